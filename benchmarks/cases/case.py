"""The contract of a case, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks.content.stage import Stage
from benchmarks.driver.browser import Chromium, Surface
from benchmarks.driver.meter import Meter, device_bytes
from benchmarks.links.link import LOOPBACK, Link
from benchmarks.links.network import LinkEstimate, Loopback
from benchmarks.peers.subject import Running


class NotApplicableError(Exception):
    """The case asks for something this subject does not have. Reported as such."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long and how often; `--seconds` and `--minutes` change it."""

    seconds: float = 3.0
    clicks: int = 50
    idle_seconds: float = 5.0
    memory_minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """One subject on one desktop in one browser, ready."""

    running: Running
    chromium: Chromium
    surface: Surface
    stage: Stage
    effort: Effort
    #: What needs no repeating, because it is no comparison of times, is done in this round alone.
    first_round: bool = True
    link: Link = LOOPBACK
    #: What is between server and browser.
    way: LinkEstimate = field(default_factory=Loopback)

    def meter(self) -> Meter:
        """Bytes are counted at the server's end of the link, on loopback at its port."""
        device = self.way.device
        wire = partial(device_bytes, device) if device else self.running.port
        return Meter(self.running.pids(), wire, self.chromium.cpu_s, self.stage.cpu_s)

    @property
    def pause(self) -> Callable[[float], None]:
        """Waits that many ms; the page goes on."""
        return self.surface.page.wait_for_timeout


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures by name with the unit in the name; `series` are raw values that are pooled over rounds."""

    figures: dict[str, float]
    series: dict[str, list[float]] = field(default_factory=dict)


Case = Callable[[Bench], Outcome]
