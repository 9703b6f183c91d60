"""What a reload of the configuration changes, and when. Pure.

docs/command-line.md has the same table for people; a test compares both with the keys that exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from display_server.config import SECTIONS, Config


class Effect(Enum):
    """When a changed key takes effect. None of them ends a desktop or a connection."""

    AT_ONCE = "at once"
    SIGN_IN = "the next sign-in"
    NEW_CONNECTIONS = "new connections"
    NEW_DESKTOPS = "desktops that start afterwards"
    RESTART = "restart"


#: The keys of the configuration. A key that is missing here needs a restart.
EFFECTS: Mapping[str, Effect] = {
    "host": Effect.RESTART,
    "port": Effect.RESTART,
    "names": Effect.AT_ONCE,
    "public_url": Effect.AT_ONCE,
    "trusted_proxies": Effect.AT_ONCE,
    "networks": Effect.AT_ONCE,
    "state": Effect.RESTART,
    "web_client": Effect.RESTART,
    "profiles": Effect.RESTART,
    "locale": Effect.NEW_DESKTOPS,
    "patience": Effect.NEW_DESKTOPS,
    "tls.certificate": Effect.NEW_CONNECTIONS,
    "tls.key": Effect.NEW_CONNECTIONS,
    "tls.root": Effect.NEW_CONNECTIONS,
    "sign_in.idle_minutes": Effect.AT_ONCE,
    "sign_in.absolute_hours": Effect.AT_ONCE,
    "sign_in.shared_networks": Effect.AT_ONCE,
    "sign_in.second_factor": Effect.SIGN_IN,
    "sign_in.inside_networks": Effect.SIGN_IN,
    "sign_in.enrol_outside": Effect.SIGN_IN,
    "sign_in.second_factor_at_unlock": Effect.AT_ONCE,
    "sign_in.passkey_verification": Effect.AT_ONCE,
    "badge.enabled": Effect.AT_ONCE,
    "badge.prefix": Effect.AT_ONCE,
    "badge.digits_min": Effect.AT_ONCE,
    "badge.digits_max": Effect.AT_ONCE,
    "badge.pin_hours": Effect.AT_ONCE,
    "badge.pin_tries": Effect.AT_ONCE,
    "break_glass.groups": Effect.AT_ONCE,
    "break_glass.minutes": Effect.AT_ONCE,
    "directory.servers": Effect.RESTART,
    "directory.ca_file": Effect.RESTART,
    "directory.kind": Effect.RESTART,
    "directory.bind_dn": Effect.RESTART,
    "directory.bind_password_file": Effect.RESTART,
    "directory.people_base": Effect.RESTART,
    "directory.people_filter": Effect.RESTART,
    "directory.groups_base": Effect.RESTART,
    "directory.groups_filter": Effect.RESTART,
    "directory.username_attribute": Effect.RESTART,
    "directory.display_name_attribute": Effect.RESTART,
    "directory.id_attribute": Effect.RESTART,
    "directory.group_name_attribute": Effect.RESTART,
    "directory.member_attribute": Effect.RESTART,
    "directory.nested_groups": Effect.RESTART,
    "directory.domains": Effect.RESTART,
    "directory.page_size": Effect.RESTART,
    "directory.connect_seconds": Effect.RESTART,
    "directory.answer_seconds": Effect.RESTART,
    "directory.connections": Effect.RESTART,
    "directory.cached_sign_in_hours": Effect.AT_ONCE,
    "limits.connections": Effect.NEW_CONNECTIONS,
    "limits.reserved_connections": Effect.NEW_CONNECTIONS,
    "limits.connections_per_address": Effect.NEW_CONNECTIONS,
    "limits.connections_per_person": Effect.NEW_CONNECTIONS,
    "limits.connections_per_device": Effect.NEW_CONNECTIONS,
    "limits.viewers_per_person": Effect.NEW_CONNECTIONS,
    "screen_lock.after_minutes": Effect.AT_ONCE,
    "screen_lock.warning_seconds": Effect.AT_ONCE,
    "screen_lock.take_back_seconds": Effect.AT_ONCE,
    "screen_lock.blank_seconds": Effect.AT_ONCE,
    "browser.permissions": Effect.AT_ONCE,
    "browser.frame_ancestors": Effect.AT_ONCE,
    "browser.cookies": Effect.AT_ONCE,
    "unattended.end_after_hours": Effect.AT_ONCE,
    "unattended.report_busy_after_minutes": Effect.AT_ONCE,
    "video.addresses": Effect.NEW_DESKTOPS,
    "video.ports": Effect.NEW_CONNECTIONS,
    "video.max_mbps": Effect.NEW_DESKTOPS,
    "video.economy_mbps": Effect.NEW_DESKTOPS,
    "video.turn_urls": Effect.NEW_DESKTOPS,
    "video.turn_secret_file": Effect.NEW_DESKTOPS,
    "isolation.enabled": Effect.RESTART,
    "isolation.trust_everybody": Effect.RESTART,
    "isolation.spawner": Effect.RESTART,
    "isolation.gateway_user": Effect.RESTART,
    "isolation.id_base": Effect.RESTART,
    "isolation.id_count": Effect.RESTART,
    "isolation.memory_mb": Effect.RESTART,
    "isolation.processes": Effect.RESTART,
    "isolation.cpu_percent": Effect.RESTART,
    "isolation.temporary_mb": Effect.RESTART,
    "isolation.network_range": Effect.RESTART,
    "isolation.home_gb": Effect.RESTART,
    "metrics.token_file": Effect.AT_ONCE,
    "database.url": Effect.RESTART,
    "database.password_file": Effect.RESTART,
    "audit.retention_years": Effect.AT_ONCE,
    "audit.checkpoint_file": Effect.AT_ONCE,
    "audit.checkpoint_minutes": Effect.AT_ONCE,
    "audit.syslog": Effect.AT_ONCE,
    "oidc": Effect.RESTART,
    "desktops": Effect.NEW_DESKTOPS,
}


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between two configurations. Keys of tables are written as `sign_in.idle_minutes`."""

    config: Config  # the new configuration, with the old values of keys that need a restart
    applied: tuple[str, ...]  # changed keys that a reload applies
    need_restart: tuple[str, ...]  # changed keys that it cannot apply


def changes(old: Config, new: Config) -> Changes:
    """Returns what a reload from `old` to `new` changes."""
    values = dict(keys_of(old))
    changed = [key for key, value in keys_of(new) if value != values[key]]
    need_restart = tuple(key for key in changed if EFFECTS.get(key, Effect.RESTART) is Effect.RESTART)
    config = new
    for key in need_restart:
        section, _, name = key.rpartition(".")
        if section:
            kept = msgspec.structs.replace(getattr(config, section), **{name: values[key]})
            config = msgspec.structs.replace(config, **{section: kept})
        else:
            config = msgspec.structs.replace(config, **{name: values[key]})
    return Changes(config, tuple(key for key in changed if key not in need_restart), need_restart)


def keys_of(config: Config) -> Iterator[tuple[str, Any]]:
    """Yields every key of the configuration with its value; those of tables as `table.key`."""
    for name in config.__struct_fields__:
        value = getattr(config, name)
        if name in SECTIONS:
            for inner in value.__struct_fields__:
                yield f"{name}.{inner}", getattr(value, inner)
        else:
            yield name, value
