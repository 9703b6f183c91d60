"""What a link is like, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORDS = re.compile(r"(?P<rate>\d+(\.\d+)?)(\+(?P<delay>\d+(\.\d+)?)ms)?(\+(?P<loss>\d+(\.\d+)?)%)?")


@dataclass(frozen=True, slots=True)
class Link:
    """The same in both directions. `rate_mbps` None: this host's loopback, nothing shaped."""

    name: str
    rate_mbps: float | None = None
    delay_ms: float = 0.0
    loss_share: float = 0.0

    @property
    def relayed(self) -> bool:
        """Whether packets need the relay: the kernel here shapes rates, but neither delays nor drops."""
        return self.delay_ms > 0 or self.loss_share > 0


LOOPBACK = Link("loopback")


def parse_link(text: str) -> Link:
    """`loopback`, or Mbit/s with an optional one-way delay and loss: `20`, `20+15ms`, `50+30ms+2%`.

    Raises ValueError for anything else.
    """
    if text == LOOPBACK.name:
        return LOOPBACK
    found = _WORDS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no link: loopback, or MBIT[+DELAYms][+LOSS%], as in 20 or 50+30ms+2%")
    rate = float(found["rate"])
    delay, loss = float(found["delay"] or 0), float(found["loss"] or 0) / 100
    if not 0.1 <= rate <= 1000 or delay > 2000 or loss >= 1:
        raise ValueError(f"{text!r} is out of range: 0.1 … 1000 Mbit/s, at most 2000 ms, less than 100 %")
    return Link(text, rate, delay, loss)
