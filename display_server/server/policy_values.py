"""Says what the configuration and the profiles decide where no policy does."""

from __future__ import annotations

from display_server.broker.policy.keys import KIB, NEVER, UNLIMITED
from display_server.broker.policy.resolution import Configured, ConfiguredValues, OriginKind
from display_server.broker.policy.values import Value
from display_server.config import Config, DesktopConfig
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.profiles import profile


def configured_values(config: Config) -> ConfiguredValues:
    """Returns the values of the configuration, by the keys of policies."""
    unattended_hours = config.unattended.end_after_hours
    general: dict[str, Value] = {
        "second_factor": config.sign_in.second_factor,
        "idle_lock_minutes": config.screen_lock.after_minutes,
        "unattended_hours": unattended_hours if unattended_hours > 0 else UNLIMITED,
        "cached_sign_in_hours": config.directory.cached_sign_in_hours or NEVER,
    }
    return ConfiguredValues(
        {key: Configured(value) for key, value in general.items()},
        {desktop.name: _of_desktop(desktop, unattended_hours) for desktop in config.desktops},
    )


def _of_desktop(desktop: DesktopConfig, unattended_hours: float) -> dict[str, Configured]:
    own = {
        "picture_mode": Configured(desktop.video),
        "sharing": Configured(desktop.share),
    }
    pool_limit_s = desktop.pool.unattended_limit_s if desktop.pool is not None else None
    if pool_limit_s is not None:
        limits_h = [pool_limit_s / 3600, *([unattended_hours] if unattended_hours > 0 else [])]
        own["unattended_hours"] = Configured(min(limits_h))
    if desktop.clipboard is not None:
        clipboard = _of_clipboard(desktop.clipboard, OriginKind.CONFIGURATION)
    else:
        clipboard = _of_clipboard(profile.load(desktop.profile).clipboard, OriginKind.PROFILE)
    return own | clipboard


def _of_clipboard(policy: ClipboardPolicy, origin: OriginKind) -> dict[str, Configured]:
    size_kib = policy.max_bytes / KIB
    values: dict[str, Value] = {
        "clipboard_to_desktop": policy.copying(allowed=policy.to_desktop),
        "clipboard_from_desktop": policy.copying(allowed=policy.from_desktop),
        "clipboard_text_to_desktop_kib": size_kib,
        "clipboard_images_to_desktop_kib": size_kib,
        "clipboard_text_from_desktop_kib": size_kib,
        "clipboard_images_from_desktop_kib": size_kib,
    }
    return {key: Configured(value, origin) for key, value in values.items()}
