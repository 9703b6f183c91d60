"""Describes a link and parses its notation on the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"\d+(?:\.\d+)?"
_NOTATION = re.compile(
    rf"(?P<rate>{_NUMBER})(\+(?P<delay>{_NUMBER})ms(~(?P<jitter>{_NUMBER})ms)?)?(\+(?P<loss>{_NUMBER})%)?"
)
#: Links by name. Wi-Fi retransmits lost frames itself, so it loses few packets and its delay varies. `wan` is
#: a home with a good connection.
NAMED = {"wifi": "50+4ms~4ms+0.1%", "wan": "20+20ms~3ms+0.1%"}
HELP = "loopback, wifi, wan, or MBIT[+DELAYms[~JITTERms]][+LOSS%], as in 20 or 50+30ms~5ms+2%"


@dataclass(frozen=True, slots=True)
class Link:
    """A link with the same properties in both directions.

    `rate_mbps` is None for loopback, which is not shaped. Delay, jitter and loss are those of one direction;
    with jitter the delay varies by ± `jitter_ms`, but packets keep their order.
    """

    name: str
    rate_mbps: float | None = None
    delay_ms: float = 0.0
    loss_fraction: float = 0.0
    jitter_ms: float = 0.0

    @property
    def relayed(self) -> bool:
        """Whether the link needs the relay, because the kernel can shape rates but not delay or drop
        packets."""
        return self.delay_ms > 0 or self.loss_fraction > 0


LOOPBACK = Link("loopback")


def parse_link(text: str) -> Link:
    """Parses `loopback`, a name, or a rate in Mbit/s with one-way delay, jitter and loss: `50+30ms~5ms+2%`.

    Raises ValueError for anything else.
    """
    if text == LOOPBACK.name:
        return LOOPBACK
    found = _NOTATION.fullmatch(NAMED.get(text, text))
    if found is None:
        raise ValueError(f"{text!r} is no link: {HELP}")
    rate = float(found["rate"])
    delay, jitter, loss = (float(found[name] or 0) for name in ("delay", "jitter", "loss"))
    if not 0.1 <= rate <= 1000 or delay > 2000 or jitter > delay or loss >= 100:
        raise ValueError(
            f"{text!r} is out of range: 0.1 … 1000 Mbit/s, delay at most 2000 ms, jitter at most the delay, "
            "loss less than 100 %"
        )
    return Link(text, rate, delay, loss / 100, jitter)
