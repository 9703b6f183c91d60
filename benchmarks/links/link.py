"""What a link is like, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"\d+(?:\.\d+)?"
_WORDS = re.compile(
    rf"(?P<rate>{_NUMBER})(\+(?P<delay>{_NUMBER})ms(~(?P<jitter>{_NUMBER})ms)?)?(\+(?P<loss>{_NUMBER})%)?"
)
#: Links by name. Wi-Fi repeats what it loses, so that little is lost and the delay varies; the other one is a
#: home with a good line.
NAMED = {"wifi": "50+4ms~4ms+0.1%", "wan": "20+20ms~3ms+0.1%"}
HELP = "loopback, wifi, wan, or MBIT[+DELAYms[~JITTERms]][+LOSS%], as in 20 or 50+30ms~5ms+2%"


@dataclass(frozen=True, slots=True)
class Link:
    """The same in both directions. `rate_mbps` None: this host's loopback, nothing shaped."""

    name: str
    rate_mbps: float | None = None
    delay_ms: float = 0.0
    loss_share: float = 0.0
    #: The delay varies by so much in both directions, but no packet overtakes another.
    jitter_ms: float = 0.0

    @property
    def relayed(self) -> bool:
        """Whether packets need the relay: the kernel here shapes rates, but neither delays nor drops."""
        return self.delay_ms > 0 or self.loss_share > 0


LOOPBACK = Link("loopback")


def parse_link(text: str) -> Link:
    """`loopback`, a name, or Mbit/s with one-way delay, its jitter and loss: `20`, `50+30ms~5ms+2%`.

    Raises ValueError for anything else.
    """
    if text == LOOPBACK.name:
        return LOOPBACK
    found = _WORDS.fullmatch(NAMED.get(text, text))
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
