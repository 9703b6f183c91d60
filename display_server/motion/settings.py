"""Whether and how what moves may go as video: what an administrator decides, as `spec.json` carries it."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

import msgspec

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
    addresses: Annotated[list[str], msgspec.Meta(max_length=8)] = []
    #: What the video of one viewer may take.
    max_mbps: Mbps = 20.0
    #: The same under the policy `economy`.
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

    @property
    def enabled(self) -> bool:
        return self.policy != "exact" and bool(self.addresses)

    @property
    def cap_bps(self) -> int:
        mbps = min(self.max_mbps, self.economy_mbps) if self.policy == "economy" else self.max_mbps
        return int(mbps * 1e6)
