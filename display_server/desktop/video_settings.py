"""Whether and how what moves may go as video: what an administrator decides, as `spec.json` carries it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal, cast, get_args

import msgspec

from display_server.protocol.limits import MONITORS_MAX

VideoPolicy = Literal["exact", "adaptive", "economy"]
Mbps = Annotated[float, msgspec.Meta(ge=0.5, le=1_000)]


class TurnServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A relay with credentials that expire (coturn's `use-auth-secret`)."""

    urls: Annotated[list[str], msgspec.Meta(min_length=1, max_length=8)]
    secret: Annotated[str, msgspec.Meta(min_length=16)]

    def __post_init__(self) -> None:
        for url in self.urls:
            if not url.startswith(("turn:", "turns:")):
                raise ValueError(f"{url!r} is no TURN server: write turn:HOST:PORT?transport=udp or turns:…")


class VideoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`addresses` of this host are offered to browsers; without one there is no video, only tiles."""

    policy: VideoPolicy = "adaptive"
    #: Of monitors, by number, that have one of their own.
    monitors: dict[Annotated[int, msgspec.Meta(ge=0, lt=MONITORS_MAX)], VideoPolicy] = {}
    addresses: Annotated[list[str], msgspec.Meta(max_length=8)] = []
    #: What the video of one viewer may take at any time.
    max_mbps: Mbps = 20.0
    #: On the average, under the policy `economy`.
    economy_mbps: Mbps = 8.0
    turn: TurnServer | None = None

    def __post_init__(self) -> None:
        for address in self.addresses:
            try:
                found = ipaddress.ip_address(address)
            except ValueError as error:
                raise ValueError(
                    f"{address!r} is no address: write one of this host, as 192.0.2.7"
                ) from error
            if found.is_unspecified or found.is_multicast:
                raise ValueError(f"{address} is no address that browsers can reach")

    def for_monitor(self, monitor: int) -> VideoSettings:
        """What holds for one monitor; nothing of the others is left."""
        return msgspec.structs.replace(self, policy=self.monitors.get(monitor, self.policy), monitors={})

    @property
    def enabled(self) -> bool:
        """Whether any monitor may show video."""
        return bool(self.addresses) and any(policy != "exact" for policy in self._policies)

    @property
    def preload(self) -> bool:
        """Whether one of them is certain to."""
        return bool(self.addresses) and "economy" in self._policies

    @property
    def _policies(self) -> set[VideoPolicy]:
        return {self.policy, *self.monitors.values()}

    @property
    def max_bps(self) -> int:
        return int(self.max_mbps * 1e6)

    @property
    def average_bps(self) -> int:
        mbps = min(self.max_mbps, self.economy_mbps) if self.policy == "economy" else self.max_mbps
        return int(mbps * 1e6)


def known_policy(policy: str) -> VideoPolicy:
    """As it was stored. What is not known here is `exact`: nothing is lossy that nobody allowed."""
    return cast(VideoPolicy, policy) if policy in get_args(VideoPolicy) else "exact"


def monitor_policies(named: Mapping[str, VideoPolicy]) -> dict[int, VideoPolicy]:
    """By number, from a configuration, whose keys are texts. Raises ValueError, which says what to write."""
    for number in named:
        if number not in map(str, range(MONITORS_MAX)):
            raise ValueError(f"{number!r} is no monitor: write its number, 0 to {MONITORS_MAX - 1}")
    return {int(number): policy for number, policy in named.items()}


def parse_policies(text: str) -> tuple[VideoPolicy, dict[str, VideoPolicy]]:
    """`adaptive,0=exact` → that of the desktop, and those of single monitors. Raises ValueError."""
    policy, *named = text.split(",")
    monitors = {number.strip(): other for number, _, other in (part.partition("=") for part in named)}
    for one in (policy, *monitors.values()):
        if one not in get_args(VideoPolicy):
            raise ValueError(f"there is no policy {one!r}, but {', '.join(get_args(VideoPolicy))}")
    policies = cast(dict[str, VideoPolicy], monitors)
    monitor_policies(policies)
    return cast(VideoPolicy, policy), policies
