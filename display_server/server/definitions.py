"""Turns the configuration into what broker and gateways need of it."""

from __future__ import annotations

from display_server.broker.badges.badge_state import BadgeSettings
from display_server.broker.break_glass.settings import BreakGlassSettings
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.group_graph import normalise_group_name
from display_server.broker.people.removal_state import OnRemoval, RemovalPolicy
from display_server.broker.screen_lock import LockLimits
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker_link.messages import ConnectionLimits
from display_server.config import Config, DesktopConfig
from display_server.desktop.profiles import profile
from display_server.desktop.video_settings import monitor_policies
from display_server.gateway.proxies import Networks, PublicAccess


def lock_limits(config: Config) -> LockLimits:
    """Returns when screens are locked."""
    lock = config.screen_lock
    return LockLimits(
        after_s=lock.after_minutes * 60,
        warning_s=lock.warning_seconds,
        take_back_s=lock.take_back_seconds,
        blank_s=lock.blank_seconds,
    )


def second_factor_settings(config: Config, access: PublicAccess) -> SecondFactorSettings:
    """Returns who has to give a second factor. Raises ConfigurationError."""
    sign_in = config.sign_in
    inside = Networks.parse(sign_in.inside_networks, key="sign_in.inside_networks")
    return SecondFactorSettings(
        when=sign_in.second_factor,
        # A reverse proxy that does not say for whom it asks may ask for anybody.
        is_inside=lambda address: address in inside and address not in access.proxies,
        enrol_outside=sign_in.enrol_outside,
        at_unlock=sign_in.second_factor_at_unlock,
        user_verification=sign_in.passkey_verification,
    )


def badge_settings(config: Config) -> BadgeSettings:
    """Returns how people sign in with badges."""
    badge = config.badge
    return BadgeSettings(
        enabled=badge.enabled,
        prefix=badge.prefix,
        digits_min=badge.digits_min,
        digits_max=badge.digits_max,
        pin_s=badge.pin_hours * 3600,
        tries=badge.pin_tries,
    )


def break_glass_settings(config: Config) -> BreakGlassSettings:
    """Returns who may take emergency access. Raises ConfigurationError for an impossible name of a group."""
    found = config.break_glass
    return BreakGlassSettings(frozenset(map(normalise_group_name, found.groups)), found.minutes * 60)


def connection_limits(config: Config) -> ConnectionLimits:
    """Returns how many connections a gateway may have."""
    limits = config.limits
    return ConnectionLimits(
        connections=limits.connections,
        reserved=limits.reserved_connections,
        per_address=limits.connections_per_address,
        per_person=limits.connections_per_person,
        per_device=limits.connections_per_device,
    )


def desktop_definitions(config: Config) -> list[DesktopDefinition]:
    """Returns the desktops of the configuration, with defaults from their profiles.

    Raises ConfigurationError when a group cannot have the name that the configuration gives it.
    """
    return [
        DesktopDefinition(
            name=desktop.name,
            title=desktop.title,
            profile=desktop.profile,
            width_px=desktop.size_px[0],
            height_px=desktop.size_px[1],
            fixed=desktop.size is not None,
            usernames=tuple(name.lower() for name in desktop.users),
            groups=tuple(normalise_group_name(name) for name in desktop.groups),
            removal=RemovalPolicy(OnRemoval(desktop.on_removal), desktop.removal_minutes * 60),
            attach=desktop.attach,
            share=desktop.share,
            clipboard=desktop.clipboard or profile.load(desktop.profile).clipboard,
            network=tuple(_network(desktop)),
            pool=desktop.pool,
            video=desktop.video,
            video_monitors=monitor_policies(desktop.video_monitors),
        )
        for desktop in config.desktops
    ]


def _network(desktop: DesktopConfig) -> list[str]:
    return profile.load(desktop.profile).network if desktop.network is None else desktop.network
