from __future__ import annotations

import pytest

from display_server.gateway import tickets as module
from display_server.gateway.tickets import LIFE_S, TICKET_MAX, TicketError, Tickets

NOW = 1_000_000.0


def issue(tickets: Tickets, now_s: float = NOW) -> str:
    return tickets.issue(
        username="kim", web_session=b"\1" * 32, session="bcd", desktop="reading", now_s=now_s
    )


def reason_of(tickets: Tickets, text: str, now_s: float = NOW) -> str:
    with pytest.raises(TicketError) as caught:
        tickets.redeem(text, now_s=now_s)
    return caught.value.reason


def test_binds_what_it_was_issued_for() -> None:
    tickets = Tickets()
    ticket = tickets.redeem(issue(tickets), now_s=NOW + LIFE_S - 1)
    assert (ticket.username, ticket.session, ticket.desktop) == ("kim", "bcd", "reading")
    assert ticket.web_session == "01" * 32


def test_once() -> None:
    tickets = Tickets()
    text = issue(tickets)
    tickets.redeem(text, now_s=NOW)
    assert reason_of(tickets, text) == "used"
    assert reason_of(tickets, text, NOW + LIFE_S) == "expired"


def test_fits_a_subprotocol_header() -> None:
    text = issue(Tickets())
    assert len(text) < TICKET_MAX
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in text)


def test_every_changed_letter_is_noticed() -> None:
    tickets = Tickets()
    text = issue(tickets)
    for place, letter in enumerate(text):
        changed = text[:place] + ("A" if letter != "A" else "B") + text[place + 1 :]
        assert reason_of(tickets, changed) == "wrong"
    tickets.redeem(text, now_s=NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "a", "=.=", "é.é", "a.b.c", "x" * 5000, "\0", "e30.e30 "])
def test_nonsense(text: str) -> None:
    assert reason_of(Tickets(), text) == "wrong"


def test_key_of_another_gateway() -> None:
    assert reason_of(Tickets(), issue(Tickets())) == "wrong"
    key = b"k" * 32
    Tickets(key).redeem(issue(Tickets(key)), now_s=NOW)


def test_memory_of_used_ones_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "USED_MAX", 3)
    tickets = Tickets()
    for _ in range(3):
        tickets.redeem(issue(tickets), now_s=NOW)
    assert reason_of(tickets, issue(tickets)) == "one too many"
    later = NOW + LIFE_S + 1
    tickets.redeem(issue(tickets, later), now_s=later)
