"""The settings of the gateway that are in force."""

from __future__ import annotations

from dataclasses import dataclass, field

from display_server.broker_link.messages import ConnectionLimits, GatewaySettings
from display_server.desktop.video_settings import VideoNetworkSettings
from display_server.gateway.page_policy import PagePolicy
from display_server.gateway.proxies import Networks, PublicAccess, PublicAddress, TrustedProxies
from display_server.gateway.video_network import VideoNetwork


@dataclass
class ActiveSettings:
    """Settings that a reload replaces, from the next request on."""

    access: PublicAccess  # how browsers may reach the gateway
    root_pem: bytes | None  # root certificate of the local authority; None with the operator's certificate
    video: VideoNetwork = field(default_factory=VideoNetwork)  # what agents get of the network
    limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    _video_settings: VideoNetworkSettings | None = None

    @classmethod
    def of(cls, message: GatewaySettings) -> ActiveSettings:
        """Raises ConfigurationError, which the broker's own check of the configuration precludes."""
        root_pem = message.root_pem.encode() if message.root_pem is not None else None
        return cls(access_of(message), root_pem, VideoNetwork(message.video), message.limits, message.video)

    def use(self, message: GatewaySettings) -> None:
        """Replaces all settings, or none of them. Raises ConfigurationError."""
        new = ActiveSettings.of(message)
        self.access, self.root_pem, self.limits = new.access, new.root_pem, new.limits
        if message.video != self._video_settings:  # else ports go on being used in turn
            self.video, self._video_settings = new.video, message.video


def access_of(message: GatewaySettings) -> PublicAccess:
    """Raises ConfigurationError."""
    return PublicAccess(
        frozenset(message.names),
        PublicAddress.parse(message.public_url) if message.public_url else None,
        TrustedProxies.parse(message.trusted_proxies),
        Networks.parse(message.shared_networks, key="sign_in.shared_networks"),
        page=PagePolicy.parse(message.permissions, message.frame_ancestors),
        cross_site_cookies=message.cross_site_cookies,
    )
