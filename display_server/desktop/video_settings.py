"""Whether and how motion may be shown as video: the administrator's settings, as they are part of
`spec.json`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast, get_args

import msgspec

from display_server.protocol.limits import MONITORS_MAX

VideoPolicy = Literal["exact", "adaptive", "economy"]
Mbps = Annotated[float, msgspec.Meta(ge=0.5, le=1_000)]


#: Lowest UDP port that a process without privileges may bind.
PORT_MIN = 1024
PORT_MAX = 65535


class PortRange(msgspec.Struct, frozen=True):
    """UDP ports, from the first to the last, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.last <= PORT_MAX:
            raise ValueError(f"{self} is no range of ports")

    @classmethod
    def parse(cls, text: str) -> PortRange:
        """Parses `21000-21999`. Raises ValueError, whose text says what to write."""
        match = re.fullmatch(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", text)
        first, last = (int(match[1]), int(match[2])) if match else (0, 0)
        if not PORT_MIN <= first <= last <= PORT_MAX:
            raise ValueError(
                f"{text!r} is no range of ports: write FIRST-LAST from {PORT_MIN} to {PORT_MAX}, for example "
                f"{DEFAULT_PORTS}"
            )
        return cls(first, last)

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __len__(self) -> int:
        return self.last - self.first + 1


#: UDP ports of video. They lie below those that Linux gives to outgoing connections (32768 and above), so
#: that no other program has one by chance.
DEFAULT_PORTS = PortRange(21000, 21999)


class TurnServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TURN server with credentials that expire (coturn's `use-auth-secret`)."""

    urls: Annotated[list[str], msgspec.Meta(min_length=1, max_length=8)]
    secret: Annotated[str, msgspec.Meta(min_length=16)]

    def __post_init__(self) -> None:
        for url in self.urls:
            if not url.startswith(("turn:", "turns:")):
                raise ValueError(
                    f"{url!r} is not a TURN server: write turn:HOST:PORT?transport=udp or turns:…"
                )

    def __repr__(self) -> str:
        return f"TurnServer({self.urls})"  # a log must not contain the secret


class VideoNetworkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the gateway needs in order to give agents access to the network for video. No agent and no file of
    a desktop gets these.
    """

    addresses: Annotated[list[str], msgspec.Meta(max_length=8)] = []
    ports: PortRange = DEFAULT_PORTS
    turn: TurnServer | None = None

    def __post_init__(self) -> None:
        _check_addresses(self.addresses)


class VideoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one desktop. The gateway opens sockets on `addresses` of this host, which browsers are
    offered; without any there is no video.
    """

    policy: VideoPolicy = "adaptive"
    #: Policies of single monitors, by number, that differ from `policy`.
    monitors: dict[Annotated[int, msgspec.Meta(ge=0, lt=MONITORS_MAX)], VideoPolicy] = {}
    addresses: Annotated[list[str], msgspec.Meta(max_length=8)] = []
    #: Highest rate of the video of one viewer, Mbit/s.
    max_mbps: Mbps = 20.0
    #: Highest mean rate under the policy `economy`, Mbit/s.
    economy_mbps: Mbps = 8.0
    #: Whether the gateway knows TURN servers.
    relays: bool = False

    def __post_init__(self) -> None:
        _check_addresses(self.addresses)

    def for_monitor(self, monitor: int) -> VideoSettings:
        """Returns the settings of one monitor, without the policies of others."""
        return msgspec.structs.replace(self, policy=self.monitors.get(monitor, self.policy), monitors={})

    @property
    def enabled(self) -> bool:
        """Whether a monitor may show video."""
        return bool(self.addresses) and any(policy != "exact" for policy in self._policies)

    @property
    def preload(self) -> bool:
        """Whether a monitor will certainly show video, so that it should be prepared early."""
        return bool(self.addresses) and "economy" in self._policies

    @property
    def _policies(self) -> set[VideoPolicy]:
        return {self.policy, *self.monitors.values()}

    @property
    def max_bps(self) -> int:
        """The highest rate, bit/s."""
        return int(self.max_mbps * 1e6)

    @property
    def average_bps(self) -> int:
        """The highest mean rate, bit/s."""
        mbps = min(self.max_mbps, self.economy_mbps) if self.policy == "economy" else self.max_mbps
        return int(mbps * 1e6)


def _check_addresses(addresses: Sequence[str]) -> None:
    for address in addresses:
        try:
            found = ipaddress.ip_address(address)
        except ValueError as error:
            raise ValueError(
                f"{address!r} is not an IP address: write one of this host, for example 192.0.2.7"
            ) from error
        if found.is_unspecified or found.is_multicast:
            raise ValueError(f"{address} is not an address that browsers can reach")


def known_policy(policy: str) -> VideoPolicy:
    """Returns a stored policy. An unknown one is `exact`: nothing is lossy that nobody allowed."""
    return cast(VideoPolicy, policy) if policy in get_args(VideoPolicy) else "exact"


def monitor_policies(named: Mapping[str, VideoPolicy]) -> dict[int, VideoPolicy]:
    """Converts the policies of monitors from a configuration, where the keys are texts. Raises ValueError,
    whose text says what to write.
    """
    for number in named:
        if number not in map(str, range(MONITORS_MAX)):
            raise ValueError(f"{number!r} is no monitor: write its number, 0 to {MONITORS_MAX - 1}")
    return {int(number): policy for number, policy in named.items()}


def parse_policies(text: str) -> tuple[VideoPolicy, dict[str, VideoPolicy]]:
    """Parses `adaptive,0=exact` into the policy of the desktop and those of single monitors. Raises
    ValueError.
    """
    policy, *named = text.split(",")
    monitors = {number.strip(): other for number, _, other in (part.partition("=") for part in named)}
    for one in (policy, *monitors.values()):
        if one not in get_args(VideoPolicy):
            raise ValueError(f"there is no policy {one!r}: write one of {', '.join(get_args(VideoPolicy))}")
    policies = cast(dict[str, VideoPolicy], monitors)
    monitor_policies(policies)
    return cast(VideoPolicy, policy), policies
