"""Profiles of the operator: where they are searched, their versions, and the lines of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.desktop.profiles import folders, profile
from display_server.errors import ConfigurationError

TITLE = 'title = { en = "A", ko = "가" }\n'


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    before = folders.operator_folder()
    folders.use_operator_folder(tmp_path)
    yield tmp_path
    folders.use_operator_folder(before)


def test_own_profiles_come_first(own: Path) -> None:
    (own / "office.toml").write_text(TITLE + 'kind = "unlisted"\n')
    (own / "reporting.toml").write_text(TITLE)
    assert {"office", "reporting", "radiology"} <= set(profile.names())
    assert profile.load("office").kind == "unlisted"
    assert profile.folder_of("office") == own
    assert profile.folder_of("radiology") == profile.PROFILES_FOLDER
    folders.use_operator_folder(None)
    assert profile.load("office").kind == "desktop"
    assert "reporting" not in profile.names()


def test_a_profile_has_several_versions(own: Path) -> None:
    for name in ("ward", "ward@2026-12", "ward@2026-11", "office@2"):
        (own / f"{name}.toml").write_text(TITLE)
    assert folders.versions("ward") == ["default", "2026-11", "2026-12"]
    assert folders.versions("office") == ["default", "2"], "the packaged one is the default"
    assert folders.versions("nothing") == []
    assert "ward@2026-12" not in profile.names()
    assert folders.with_version("ward", "default") == "ward"
    assert profile.load(folders.with_version("ward", "2026-12")).title["en"] == "A"
    with pytest.raises(ConfigurationError, match="no version '3' of the profile 'office'") as unknown:
        profile.load("office@3")
    assert unknown.value.hint == "Choose one of: default, 2."


@pytest.mark.parametrize("name", ["../radiology", "a b", "@1", "ward@", "ward@1@2", "x" * 40])
def test_other_names_are_refused(own: Path, name: str) -> None:
    (own / "a b.toml").write_text(TITLE)
    with pytest.raises(ConfigurationError, match="There is no profile"):
        profile.load(name)
    with pytest.raises(ConfigurationError, match="cannot be the name of a profile"):
        profile.load_operator_profiles()


def test_a_folder_that_cannot_be_read_is_reported(own: Path) -> None:
    folders.use_operator_folder(own / "missing")
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        profile.load_operator_profiles()


def test_a_copy_of_a_packaged_profile_works_as_it_is(own: Path) -> None:
    (own / "ward.toml").write_bytes((profile.PROFILES_FOLDER / "office.toml").read_bytes())
    profile.load_operator_profiles()
    assert profile.home_files(profile.load("ward"), own) == profile.home_files(profile.load("office"))
    (own / "settings").mkdir()
    (own / "settings" / "gtkrc-2.0").write_text("# ours")
    assert folders.source_file(own, "settings/gtkrc-2.0") == own / "settings" / "gtkrc-2.0"
    assert folders.source_file(own, "settings/openbox.xml").parent == profile.PROFILES_FOLDER / "settings"


def test_the_digest_changes_with_every_file_of_a_profile(own: Path) -> None:
    (own / "ward.toml").write_text(TITLE + 'settings = "home.toml"\n')
    (own / "home.toml").write_text('[[files]]\nsource = "letter"\ntarget = "letter"\n')
    seen = set()
    for change in (None, "letter", "home.toml", "ward.toml"):
        if change is None:
            (own / "letter").write_text("one")
        else:
            (own / change).write_text((own / change).read_text() + "\n# changed\n")
        seen.add(profile.digest_of("ward"))
    assert len(seen) == 4


def test_a_file_of_ours_can_be_named_in_commands(own: Path, tmp_path: Path) -> None:
    assert profile.expand_command(["{profiles}/start.sh"], tmp_path) == [f"{own}/start.sh"]


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (TITLE + "\n[[programs]]\nname = 3\n", 4, r"Expected `str`, got `int` \(programs\[0\]\.name\)"),
        (TITLE + '[[programs]]\nname = "x"\npackage = "x"\n', 2, "missing required field `command`"),
        (TITLE + '[environment]\nA = "b"\nC = 1\n', 2, "Expected `str`"),
        ("# a comment\n" + TITLE + 'colour = "red"\n', 3, "unknown field `colour`"),
        ("kind = 3\n" + TITLE, 1, "kind"),
        (TITLE + "studies = [\n", 2, "this is not TOML"),
        (
            TITLE + '[[programs]]\nname = "a"\ncommand = ["a"]\npackage = "a"\n\n'
            '[[programs]]\nname = "a"\ncommand = ["b"]\npackage = "b"\n',
            8,
            "two programs have the name 'a'",
        ),
        (
            TITLE + '[[programs]]\nname = "a"\ncommand = ["a"]\npackage = "a"\n'
            'window = { class = "A", place = [0.5, 0, 0.6, 1] }\n',
            6,
            "not inside the work area",
        ),
        (
            TITLE + '[[programs]]\nname = "a"\ncommand = [\n  "a",\n  3,\n]\npackage = "a"\n',
            4,
            "Expected `str`",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(own: Path, text: str, line: int, cause: str) -> None:
    path = own / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=cause) as wrong:
        profile.load_operator_profiles()
    assert wrong.value.cause.startswith(f"{path}:{line}: ")


def test_a_mistake_in_the_list_of_files_is_reported_with_its_line(own: Path) -> None:
    (own / "ward.toml").write_text(TITLE + 'settings = "lists/home.toml"\n')
    (own / "lists").mkdir()
    (own / "lists" / "home.toml").write_text(
        '[[files]]\nsource = "x"\ntarget = "x"\n\n[[files]]\nsource = "y"\ntarget = "y"\nkeep = 3\n'
    )
    with pytest.raises(ConfigurationError) as wrong:
        profile.load_operator_profiles()
    assert wrong.value.cause.startswith(f"{own / 'lists' / 'home.toml'}:8: Expected `bool`")
