"""What a reload changes: the table covers every key, and people can read the same table."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from display_server.config import Config, DesktopConfig, SignInConfig
from display_server.server.reload_effects import EFFECTS, Effect, changes, keys_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "command-line.md"
#: A row of the document's table: keys, and when they take effect.
ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \|$", re.M)


def test_every_key_has_an_effect() -> None:
    assert {key for key, _ in keys_of(Config())} == EFFECTS.keys()


def test_the_document_has_the_same_table() -> None:
    text = DOCUMENT.read_text()
    table = text[text.index("## Reloading") :]
    documented = {
        key: effect.strip() for keys, effect in ROW.findall(table) for key in re.findall(r"`([^`]+)`", keys)
    }
    assert documented == {key: effect.value for key, effect in EFFECTS.items()}


def test_nothing_has_changed() -> None:
    found = changes(Config(), Config())
    assert (found.applied, found.need_restart) == ((), ())


def test_changed_keys_are_named_and_applied() -> None:
    new = Config(
        locale="en_US.UTF-8",
        sign_in=SignInConfig(idle_minutes=5),
        desktops=[DesktopConfig(name="one", profile="blank")],
    )
    found = changes(Config(), new)
    assert set(found.applied) == {"locale", "sign_in.idle_minutes", "desktops"}
    assert found.need_restart == ()
    assert found.config == new


@pytest.mark.parametrize(
    ("key", "value"), [("host", "0.0.0.0"), ("port", 1), ("state", Path("/s")), ("web_client", Path("/w"))]
)
def test_what_needs_a_restart_keeps_its_value(key: str, value: object) -> None:
    old = Config()
    new = msgspec.structs.replace(old, **{key: value, "locale": "en_US.UTF-8"})
    found = changes(old, new)
    assert found.need_restart == (key,)
    assert found.applied == ("locale",)
    assert getattr(found.config, key) == getattr(old, key)
    assert found.config.locale == "en_US.UTF-8"


def test_a_key_without_an_effect_needs_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {key: effect for key, effect in EFFECTS.items() if key != "sign_in.idle_minutes"}
    monkeypatch.setattr("display_server.server.reload_effects.EFFECTS", without)
    new = Config(sign_in=SignInConfig(idle_minutes=5, absolute_hours=2))
    found = changes(Config(), new)
    assert found.need_restart == ("sign_in.idle_minutes",)
    assert found.config.sign_in == SignInConfig(absolute_hours=2)


def test_only_addresses_folders_database_isolation_and_sources_of_people_need_a_restart() -> None:
    restart = {key for key, effect in EFFECTS.items() if effect is Effect.RESTART}
    others = {key for key in restart if not key.startswith(("isolation.", "database.", "directory."))}
    assert others == {"host", "port", "profiles", "state", "web_client", "oidc"}
