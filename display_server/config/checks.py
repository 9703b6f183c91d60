"""Checks what the types of the configuration do not express."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from display_server.broker_link.named_networks import NamedNetworks
from display_server.config.audit import check_audit
from display_server.config.badge import check_badge, check_break_glass
from display_server.config.network import (
    check_network,
    network_range,
    video_network_settings,
    video_settings,
)
from display_server.config.sections import (
    INITIAL_SIZE,
    BrowserConfig,
    Config,
    DatabaseConfig,
    DesktopConfig,
    LimitsConfig,
    SignInConfig,
    TlsConfig,
    UnattendedConfig,
    parse_size,
)
from display_server.desktop.pool_settings import PoolSettings, check_pool
from display_server.desktop.video_settings import monitor_policies
from display_server.errors import ConfigurationError

#: Largest `patience`.
PATIENCE_MAX = 100
#: Largest `limits.connections`. Each takes up to three of the 8192 file descriptors that the server asks for.
CONNECTIONS_MAX = 2500
#: Connections that no reserve may take: people who are not signed in need some in order to sign in.
UNRESERVED_MIN = 16
#: Allowed names of desktops. They appear in URLs and folder names.
DESKTOP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: The folder of the X servers' sockets; `X0` belongs to display :0.
X_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - fixed by X


def check_display(display: str) -> None:
    """Raises ConfigurationError when `display` is not an X display of this host, written as `:N`."""
    match = re.fullmatch(r":(\d{1,5})(\.\d+)?", display)
    if match is None:
        raise ConfigurationError(f"{display!r} is not an X display.", hint="Write :N, for example :0.")
    if not (X_SOCKETS / f"X{match[1]}").exists():
        raise ConfigurationError(
            f"There is no X display {display} on this host.",
            hint=f"To see the existing displays, run `ls {X_SOCKETS}`.",
        )


def check(config: Config, origin: str) -> None:
    """Checks what the types do not express. Raises ConfigurationError; `origin` names the source."""
    if not 0 <= config.port <= 65535:
        raise ConfigurationError(
            f"{origin}: `port` must be from 0 to 65535, not {config.port}.",
            hint="Choose one above 1023; 0 selects a free one.",
        )
    if not 1 <= config.patience <= PATIENCE_MAX:
        raise ConfigurationError(
            f"{origin}: `patience` must be from 1 to {PATIENCE_MAX}, not {config.patience:g}.",
            hint="Leave it out, unless the host is overloaded on purpose.",
        )
    NamedNetworks.parse(config.networks)
    _check_tls(config.tls, origin)
    _check_times(config, origin)
    _check_second_factor(config.sign_in, origin)
    check_badge(config.badge, origin)
    check_break_glass(config.break_glass, origin)
    _check_browser(config.browser, origin)
    _check_limits(config.limits, origin)
    check_audit(config.audit, origin)
    _check_unattended(config.unattended, origin)
    _check_database(config.database, origin)
    video_settings(config)
    video_network_settings(config)
    _check_desktops(config.desktops, network_range(config.isolation), origin)


def _check_tls(tls: TlsConfig, origin: str) -> None:
    if (tls.certificate is None) != (tls.key is None):
        raise ConfigurationError(
            f"{origin}: `tls.certificate` and `tls.key` belong together.",
            hint="Set both, or neither to use Lightbox's local authority.",
        )
    if tls.root is not None and tls.certificate is None:
        raise ConfigurationError(
            f"{origin}: `tls.root` needs `tls.certificate` and `tls.key`.",
            hint="Set all three to the files that `lightbox certificate issue` writes, or none.",
        )


def _check_times(config: Config, origin: str) -> None:
    """Checks the times of signing in and of the screen lock."""
    for key, value in (
        ("sign_in.idle_minutes", config.sign_in.idle_minutes),
        ("sign_in.absolute_hours", config.sign_in.absolute_hours),
        ("screen_lock.after_minutes", config.screen_lock.after_minutes),
    ):
        if value <= 0:
            raise ConfigurationError(
                f"{origin}: `{key}` must be more than 0, not {value:g}.", hint="Leave it out for the default."
            )
    for key in ("warning_seconds", "take_back_seconds", "blank_seconds"):
        seconds: float = getattr(config.screen_lock, key)
        if seconds < 0:
            raise ConfigurationError(
                f"{origin}: `screen_lock.{key}` must not be less than 0, not {seconds:g}.",
                hint="0 means at once; leave it out for the default.",
            )


def _check_second_factor(sign_in: SignInConfig, origin: str) -> None:
    if sign_in.second_factor != "never" and not sign_in.inside_networks and not sign_in.enrol_outside:
        raise ConfigurationError(
            f'{origin}: `sign_in.second_factor` is "{sign_in.second_factor}", but nobody could set one up: '
            "`sign_in.inside_networks` is empty, and `sign_in.enrol_outside` is false.",
            hint="List the networks of the hospital, or allow people to set up the first factor anywhere.",
        )


def _check_browser(browser: BrowserConfig, origin: str) -> None:
    if browser.cookies == "cross-site" and not browser.frame_ancestors:
        raise ConfigurationError(
            f'{origin}: `browser.cookies` must not be "cross-site" without `browser.frame_ancestors`.',
            hint="Name the portals that show Lightbox in a frame, or leave both out.",
        )


def _check_limits(limits: LimitsConfig, origin: str) -> None:
    for key in limits.__struct_fields__:
        number: int = getattr(limits, key)
        if number < (0 if key == "reserved_connections" else 1):
            raise ConfigurationError(
                f"{origin}: `limits.{key}` is too small: {number}.", hint="Leave it out for the default."
            )
    if limits.connections > CONNECTIONS_MAX:
        raise ConfigurationError(
            f"{origin}: `limits.connections` must be at most {CONNECTIONS_MAX}, not {limits.connections}.",
            hint="Distribute more people over several servers.",
        )
    if limits.reserved_connections > limits.connections - UNRESERVED_MIN:
        raise ConfigurationError(
            f"{origin}: `limits.reserved_connections` must be at least {UNRESERVED_MIN} less than "
            f"`limits.connections`, which is {limits.connections}.",
            hint="People who are not signed in need connections to sign in. Reserve fewer, or allow more.",
        )


def _check_unattended(unattended: UnattendedConfig, origin: str) -> None:
    if unattended.end_after_hours < 0:
        raise ConfigurationError(
            f"{origin}: `unattended.end_after_hours` must not be less than 0, not "
            f"{unattended.end_after_hours:g}.",
            hint="0 lets unattended desktops run on; leave it out for the default.",
        )
    if unattended.report_busy_after_minutes <= 0:
        raise ConfigurationError(
            f"{origin}: `unattended.report_busy_after_minutes` must be more than 0, not "
            f"{unattended.report_busy_after_minutes:g}.",
            hint="Leave it out for the default.",
        )


def _check_desktops(desktops: Sequence[DesktopConfig], own_range: ipaddress.IPv4Network, origin: str) -> None:
    seen = set()
    for desktop in desktops:
        if not DESKTOP_NAME.fullmatch(desktop.name):
            raise ConfigurationError(
                f"{origin}: {desktop.name!r} cannot be a desktop's name.",
                hint="Use 1 to 40 of the characters a-z 0-9 - and begin with a letter or digit.",
            )
        if desktop.name in seen:
            raise ConfigurationError(
                f"{origin}: there are two desktops named {desktop.name!r}.",
                hint="Give each desktop a name of its own.",
            )
        seen.add(desktop.name)
        if desktop.removal_minutes <= 0:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `removal_minutes` must be more than 0, not "
                f"{desktop.removal_minutes:g}.",
                hint='For no warning at all, write: on_removal = "at-once"',
            )
        try:
            parse_size(desktop.size or INITIAL_SIZE)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: {error.cause}", hint=error.hint
            ) from error
        try:
            check_network(desktop.network or [], own_range)
        except ValueError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `network`: {error}.",
                hint="docs/network.md explains the list of what a desktop may reach.",
            ) from error
        if desktop.pool is not None:
            _check_pool(desktop, desktop.pool, f"{origin}: desktop {desktop.name!r}")
        try:
            monitor_policies(desktop.video_monitors)
        except ValueError as error:
            raise ConfigurationError(
                f"{origin}: desktop {desktop.name!r}: `video_monitors`: {error}",
                hint='For example: video_monitors = { 0 = "exact" }',
            ) from error


def _check_pool(desktop: DesktopConfig, pool: PoolSettings, origin: str) -> None:
    if desktop.attach is not None:
        raise ConfigurationError(
            f"{origin}: `pool` and `attach` exclude each other.",
            hint="A display that already runs is one desktop; leave out one of the two.",
        )
    try:
        check_pool(pool)
    except ValueError as error:
        raise ConfigurationError(
            f"{origin}: `pool`: {error}.", hint="docs/pools.md explains the keys of a pool."
        ) from error


def _check_database(database: DatabaseConfig, origin: str) -> None:
    if database.url is None:
        if database.password_file is not None:
            raise ConfigurationError(
                f"{origin}: `database.password_file` needs `database.url`.",
                hint="SQLite has no passwords; leave both out, or set both.",
            )
        return
    try:
        address = urlsplit(database.url)
        known = address.scheme in ("postgresql", "postgres") and address.path.strip("/") != ""
        password = address.password is not None or "password" in parse_qs(address.query)
    except ValueError:
        known, password = False, False
    if password:
        raise ConfigurationError(
            f"{origin}: `database.url` must not contain a password.",
            hint="Write the password alone into a file of mode 0600, which `database.password_file` names.",
        )
    if not known:
        raise ConfigurationError(
            f"{origin}: `database.url` is not the address of a PostgreSQL database.",
            hint='For example: url = "postgresql://lightbox@db.hospital.example/lightbox"',
        )
