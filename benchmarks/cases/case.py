"""The contract of a case, and what a case receives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from benchmarks.content.player import ContentPlayer
from benchmarks.driver.browser import Chromium, Surface
from benchmarks.driver.meter import Meter, device_bytes
from benchmarks.links.link import LOOPBACK, Link
from benchmarks.links.network import LinkNetwork, LoopbackNetwork
from benchmarks.peers.subject import Running


class NotApplicableError(Exception):
    """The case needs something that this subject does not have. The report says so."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Durations and counts of the cases, set by `--seconds`, `--clicks` and `--minutes`."""

    seconds: float = 3.0
    clicks: int = 50
    idle_seconds: float = 5.0
    memory_minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """One running subject with its desktop's content and one browser, ready to measure."""

    running: Running
    chromium: Chromium
    surface: Surface
    player: ContentPlayer
    effort: Effort
    #: Measurements that are not timings, such as exactness, are made in the first round only.
    first_round: bool = True
    link: Link = LOOPBACK
    network: LinkNetwork = field(default_factory=LoopbackNetwork)

    def meter(self) -> Meter:
        """Returns a meter that counts bytes at the server's end of the link, or at its port on loopback."""
        device = self.network.device
        wire = partial(device_bytes, device) if device else self.running.port
        return Meter(self.running.pids(), wire, self.chromium.cpu_s, self.player.cpu_s)

    @property
    def pause(self) -> Callable[[float], None]:
        """Waits for a time in ms while the page keeps running."""
        return self.surface.page.wait_for_timeout


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a case. Figures have their unit in their name; `series` are raw values, pooled over
    rounds."""

    figures: dict[str, float]
    series: dict[str, list[float]] = field(default_factory=dict)


Case = Callable[[Bench], Outcome]
