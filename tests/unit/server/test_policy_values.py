"""What the configuration and the profiles decide where no policy does."""

from __future__ import annotations

import msgspec

from display_server.broker.policy.resolution import ConfiguredValues, Facts, resolve
from display_server.config import Config, DesktopConfig
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.pool_settings import PoolSettings
from display_server.directory_config import DirectoryConfig
from display_server.server.policy_values import configured_values

COPYING = ClipboardPolicy(to_desktop=True, images=True, max_bytes=2048)
CONFIG = Config(
    directory=DirectoryConfig(cached_sign_in_hours=4),
    desktops=[
        DesktopConfig("own", "office", clipboard=COPYING, video="exact", share=True),
        DesktopConfig("pool", "office", pool=PoolSettings(maximum=2)),
    ],
)


def shown(values: ConfiguredValues, desktop: str | None = None) -> dict[str, tuple[object, str]]:
    found = resolve([], Facts(desktop), values).resolved
    return {key: (one.value, one.origin_in_words) for key, one in found.items()}


def test_values_of_the_configuration_are_shown_as_such() -> None:
    found = shown(configured_values(CONFIG))
    assert found["idle_lock_minutes"] == (10, "configuration")
    assert found["unattended_hours"] == (24, "configuration")
    assert found["cached_sign_in_hours"] == (4, "configuration")
    assert found["second_factor"] == ("never", "configuration")
    assert found["monitors"] == (6, "default")


def test_no_limit_and_no_cache_are_words() -> None:
    unattended = msgspec.structs.replace(CONFIG.unattended, end_after_hours=0)
    found = shown(
        configured_values(msgspec.structs.replace(CONFIG, unattended=unattended, directory=DirectoryConfig()))
    )
    assert found["unattended_hours"] == ("unlimited", "configuration")
    assert found["cached_sign_in_hours"] == ("never", "configuration")


def test_values_of_a_desktop_come_from_the_configuration_or_its_profile() -> None:
    values = configured_values(CONFIG)
    own, pool = shown(values, "own"), shown(values, "pool")
    assert own["picture_mode"] == ("exact", "configuration")
    assert own["sharing"] == (True, "configuration")
    assert own["clipboard_to_desktop"] == ("text-and-images", "configuration")
    assert own["clipboard_from_desktop"] == ("nothing", "configuration")
    assert own["clipboard_images_to_desktop_kib"] == (2, "configuration")
    assert pool["clipboard_to_desktop"][1] == "profile"
    assert pool["unattended_hours"] == (1, "configuration"), "the shorter limit applies"
