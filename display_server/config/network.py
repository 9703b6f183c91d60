"""What the configuration says of networks: video, TURN servers, and the addresses of desktops."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from display_server.config.secret_file import read_secret
from display_server.config.sections import Config, IsolationConfig
from display_server.desktop.network_access import parse_entries
from display_server.desktop.video_settings import PortRange, VideoNetworkSettings, VideoSettings
from display_server.errors import ConfigurationError
from display_server.spawner.network_messages import DEFAULT_NETWORK_RANGE

#: Addresses that RFC 6598 reserves for translation by carriers. They are not in the Internet.
SHARED_ADDRESSES = ipaddress.IPv4Network("100.64.0.0/10")

S = TypeVar("S", bound=msgspec.Struct)


def video_settings(config: Config) -> VideoSettings:
    """Returns the video settings for the agents. Raises ConfigurationError when they are wrong."""
    video = config.video
    fields = {
        "addresses": _video_addresses(config),
        "max_mbps": video.max_mbps,
        "economy_mbps": video.economy_mbps,
        "relays": bool(video.turn_urls),
    }
    return _convert_video(fields, VideoSettings)


def video_network_settings(config: Config) -> VideoNetworkSettings:
    """Returns the settings of the gateway's VideoNetwork, which no agent gets.

    Raises ConfigurationError when they are wrong or the secret of the TURN server can be read by other users.
    """
    video = config.video
    turn: dict[str, Any] | None = None
    try:
        ports = PortRange.parse(video.ports)
    except ValueError as error:
        raise ConfigurationError(
            f"`video.ports`: {error}.",
            hint="Each viewer with video needs one port. Open the range in the firewall (docs/network.md).",
        ) from error
    if bool(video.turn_urls) != bool(video.turn_secret_file):
        raise ConfigurationError(
            "`video.turn_urls` and `video.turn_secret_file` belong together.",
            hint="Set both, or neither. The file contains the `static-auth-secret` of coturn.",
        )
    if video.turn_secret_file is not None:
        turn = {"urls": video.turn_urls, "secret": read_secret(video.turn_secret_file)}
    fields = {"addresses": _video_addresses(config), "ports": msgspec.to_builtins(ports), "turn": turn}
    return _convert_video(fields, VideoNetworkSettings)


def network_range(isolation: IsolationConfig) -> ipaddress.IPv4Network:
    """Returns the addresses of desktops. Raises ConfigurationError when they are wrong."""
    try:
        own_range = ipaddress.IPv4Network(isolation.network_range)
    except ValueError as error:
        raise ConfigurationError(
            f"`isolation.network_range`: {error}.", hint=f"For example {DEFAULT_NETWORK_RANGE}."
        ) from error
    if not own_range.is_private and not own_range.subnet_of(SHARED_ADDRESSES):
        raise ConfigurationError(
            f"`isolation.network_range`: {own_range} has addresses of other hosts in the Internet.",
            hint=f"Choose a private range that nobody uses, for example {DEFAULT_NETWORK_RANGE}.",
        )
    return own_range


def check_network(texts: Sequence[str], own_range: ipaddress.IPv4Network) -> None:
    """Checks the list of what a desktop may reach. Raises ValueError."""
    for entry in parse_entries(texts):
        if isinstance(entry.host, ipaddress.IPv4Network) and entry.host.subnet_of(own_range):
            raise ValueError(f"{entry.host} belongs to desktops, which never reach each other")


def _video_addresses(config: Config) -> list[str]:
    return config.video.addresses or ([config.host] if _is_one_address(config.host) else [])


def _convert_video(fields: Mapping[str, Any], kind: type[S]) -> S:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"video: {error}", hint="deploy/lightbox.example.toml shows every key."
        ) from error


def _is_one_address(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
