from __future__ import annotations

import pytest

from display_server.broker import tickets as module
from display_server.broker.tickets import LIFETIME_S, TICKET_MAX_CHARS, TicketError, TicketRejection, Tickets

NOW = 1_000_000.0


def issue(tickets: Tickets, now_s: float = NOW) -> str:
    return tickets.issue(
        username="kim", web_session=b"\1" * 32, session="bcd", desktop="reading", now_s=now_s
    )


def reason_of(tickets: Tickets, text: str, now_s: float = NOW) -> TicketRejection:
    with pytest.raises(TicketError) as caught:
        tickets.redeem(text, now_s=now_s)
    return caught.value.reason


def test_a_ticket_contains_what_it_was_issued_for() -> None:
    tickets = Tickets()
    ticket = tickets.redeem(issue(tickets), now_s=NOW + LIFETIME_S - 1)
    assert (ticket.username, ticket.session, ticket.desktop) == ("kim", "bcd", "reading")
    assert ticket.web_session == "01" * 32


def test_a_ticket_can_be_used_once() -> None:
    tickets = Tickets()
    text = issue(tickets)
    tickets.redeem(text, now_s=NOW)
    assert reason_of(tickets, text) is TicketRejection.USED
    assert reason_of(tickets, text, NOW + LIFETIME_S) is TicketRejection.EXPIRED


def test_fits_a_subprotocol_header() -> None:
    text = issue(Tickets())
    assert len(text) < TICKET_MAX_CHARS
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in text)


def test_rejects_a_ticket_with_any_changed_character() -> None:
    tickets = Tickets()
    text = issue(tickets)
    for place, letter in enumerate(text):
        changed = text[:place] + ("A" if letter != "A" else "B") + text[place + 1 :]
        assert reason_of(tickets, changed) is TicketRejection.WRONG
    tickets.redeem(text, now_s=NOW)


@pytest.mark.parametrize("text", ["", ".", "..", "a", "=.=", "é.é", "a.b.c", "x" * 5000, "\0", "e30.e30 "])
def test_rejects_malformed_text(text: str) -> None:
    assert reason_of(Tickets(), text) is TicketRejection.WRONG


def test_rejects_tickets_signed_with_another_key() -> None:
    assert reason_of(Tickets(), issue(Tickets())) is TicketRejection.WRONG
    key = b"k" * 32
    Tickets(key).redeem(issue(Tickets(key)), now_s=NOW)


def test_limits_the_number_of_remembered_tickets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "USED_MAX", 3)
    tickets = Tickets()
    for _ in range(3):
        tickets.redeem(issue(tickets), now_s=NOW)
    assert reason_of(tickets, issue(tickets)) is TicketRejection.TOO_MANY
    later = NOW + LIFETIME_S + 1
    tickets.redeem(issue(tickets, later), now_s=later)
