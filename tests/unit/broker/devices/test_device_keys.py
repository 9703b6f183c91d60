"""Cookies of devices: nobody can forge one, and a new key puts no device out."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker.devices.device_keys import COOKIE_S, DeviceKeys, new_key
from display_server.errors import ConfigurationError

NOW_S = 1_000_000.0
DEVICE = "0123456789abcdef" * 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device-keys"


def test_a_cookie_names_its_device_until_it_expires(path: Path) -> None:
    keys = DeviceKeys.provide(path, NOW_S)
    cookie = keys.sign(DEVICE, NOW_S)
    assert keys.device_of(cookie, NOW_S + COOKIE_S - 1) == DEVICE
    assert keys.device_of(cookie, NOW_S + COOKIE_S) is None
    assert DeviceKeys.provide(path, NOW_S).device_of(cookie, NOW_S) == DEVICE, "the file has the key"


def test_an_altered_cookie_names_nothing(path: Path) -> None:
    keys = DeviceKeys.provide(path, NOW_S)
    cookie = keys.sign(DEVICE, NOW_S)
    for position, letter in enumerate(cookie):
        other = "0" if letter != "0" else "1"
        assert keys.device_of(f"{cookie[:position]}{other}{cookie[position + 1 :]}", NOW_S) is None
    for text in ("", DEVICE, cookie[:-1], f"{cookie}0", f" {cookie}", cookie.upper()):
        assert keys.device_of(text, NOW_S) is None
    assert DeviceKeys([new_key(NOW_S)]).device_of(cookie, NOW_S) is None, "signed with another key"


def test_a_new_key_signs_and_the_former_one_still_verifies(path: Path) -> None:
    keys, server = DeviceKeys.provide(path, NOW_S), DeviceKeys.provide(path, NOW_S)
    before = keys.sign(DEVICE, NOW_S)
    keys.change(NOW_S)
    after = keys.sign(DEVICE, NOW_S)
    assert before.partition(".")[0] != after.partition(".")[0]
    assert server.device_of(after, NOW_S) is None
    server.read_again()
    for cookie in (before, after):
        assert server.device_of(cookie, NOW_S) == DEVICE


def test_a_key_is_forgotten_once_its_cookies_have_expired(path: Path) -> None:
    keys = DeviceKeys.provide(path, NOW_S)
    keys.change(NOW_S + 10)
    keys.change(NOW_S + 10 + COOKIE_S)
    assert len(path.read_text().splitlines()) == 2
    keys.change(NOW_S + 20 + COOKIE_S)
    assert len(path.read_text().splitlines()) == 3, "the second one signed until ten seconds ago"


def test_a_stolen_key_can_be_revoked(path: Path) -> None:
    keys = DeviceKeys.provide(path, NOW_S)
    cookie = keys.sign(DEVICE, NOW_S)
    keys.change(NOW_S, revoke_former=True)
    assert keys.device_of(cookie, NOW_S) is None
    assert keys.device_of(keys.sign(DEVICE, NOW_S), NOW_S) == DEVICE


def test_the_file_is_private_and_checked(path: Path) -> None:
    keys = DeviceKeys.provide(path, NOW_S)
    assert path.stat().st_mode & 0o777 == 0o600
    keys.change(NOW_S)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="other users"):
        DeviceKeys.provide(path, NOW_S)
    for content in ("", "nothing", "01234567 1 AAAA\n", f"{path.read_text()}x\n"):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(ConfigurationError, match="damaged"):
            DeviceKeys.provide(path, NOW_S)


def test_a_log_does_not_contain_a_key() -> None:
    key = new_key(NOW_S)
    assert str(key.secret) not in repr(key)
