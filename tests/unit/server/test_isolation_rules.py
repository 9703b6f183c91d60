"""Without isolation Lightbox is for one person on this computer, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker.folders import StateFolder
from display_server.config import Config, DesktopConfig, IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server.isolation_rules import banner, require_sound
from display_server.server.reload import prepare

WITHOUT = IsolationConfig(enabled=False)
TRUSTING = IsolationConfig(enabled=False, trust_everybody=True)


def test_isolation_is_the_default() -> None:
    assert IsolationConfig().enabled
    assert not IsolationConfig().one_person
    assert banner(Config()) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.3.2.1"])
def test_without_isolation_this_computer_can_connect(host: str) -> None:
    require_sound(Config(host=host, isolation=WITHOUT))
    require_sound(Config(public_url=f"https://{'[::1]' if host == '::1' else host}:9443", isolation=WITHOUT))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "reading.example"])
def test_without_isolation_nobody_else_can_connect(host: str) -> None:
    address = f"[{host}]" if ":" in host else host
    for config in (Config(host=host), Config(public_url=f"https://{address}")):
        require_sound(config)
        with pytest.raises(ConfigurationError, match="one person on this computer") as refused:
            require_sound(Config(host=config.host, public_url=config.public_url, isolation=WITHOUT))
        assert host in str(refused.value)
        assert "lightbox doctor" in refused.value.hint
        require_sound(Config(host=config.host, public_url=config.public_url, isolation=TRUSTING))


async def test_a_reload_cannot_open_desktops_that_are_not_isolated(tmp_path: Path) -> None:
    config = Config(state=tmp_path, public_url="https://reading.example", isolation=WITHOUT)
    with pytest.raises(ConfigurationError, match="`public_url` opens them to others"):
        await prepare(config, StateFolder.open(tmp_path))


def test_a_display_that_runs_already_needs_a_start_without_isolation() -> None:
    desktops = [DesktopConfig(name="console", profile="blank", attach=":0")]
    with pytest.raises(ConfigurationError, match="cannot be isolated") as refused:
        require_sound(Config(desktops=desktops))
    assert "--no-isolation" in refused.value.hint
    require_sound(Config(desktops=desktops, isolation=WITHOUT))


def test_the_banner_says_who_may_use_the_desktops() -> None:
    assert "Only one person at a time" in banner(Config(isolation=WITHOUT))
    assert "NOT ISOLATED" in banner(Config(isolation=TRUSTING))
    assert "read each other's files" in banner(Config(isolation=TRUSTING))
    assert "no effect" not in banner(Config(isolation=WITHOUT))
    listing = DesktopConfig(name="a", profile="blank", network=["10.2.0.5:104"])
    assert "`network` have no effect" in banner(Config(isolation=WITHOUT, desktops=[listing]))
