"""Homes are created as root, and whatever a person put into one must not lead root anywhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.errors import DesktopError
from display_server.spawner.homes import make_home

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root creates homes of other users")
PERSON, OTHER = 0x7000_0001, 0x7000_0005


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "homes").mkdir()
    descriptor = os.open(tmp_path / "homes", os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def owner(path: Path) -> int:
    return path.lstat().st_uid


def test_creates_a_private_home_in_a_folder_of_root(homes: int, tmp_path: Path) -> None:
    make_home(homes, "kim", "office", PERSON)
    make_home(homes, "kim", "office", PERSON)
    home = tmp_path / "homes/kim/office"
    assert (owner(home), home.stat().st_gid, home.stat().st_mode & 0o7777) == (PERSON, PERSON, 0o700)
    assert owner(home.parent) == os.geteuid()


def test_a_home_of_another_person_is_refused(homes: int) -> None:
    make_home(homes, "kim", "office", OTHER)
    with pytest.raises(DesktopError, match="belongs to another user"):
        make_home(homes, "kim", "office", PERSON)


@pytest.mark.parametrize("link", ["kim", "kim/office"])
def test_a_symbolic_link_in_place_of_a_home_is_refused(homes: int, tmp_path: Path, link: str) -> None:
    target = tmp_path / "target"
    (target / "office").mkdir(parents=True)
    path = tmp_path / "homes" / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    with pytest.raises(OSError, match="Not a directory"):
        make_home(homes, "kim", "office", PERSON)
    assert owner(target) == os.geteuid()


def test_an_older_home_is_given_to_the_person_with_its_content(homes: int, tmp_path: Path) -> None:
    home = tmp_path / "homes/kim/office"
    (home / "Documents").mkdir(parents=True)
    (home / "Documents/letter").write_text("Dear colleague")
    make_home(homes, "kim", "office", PERSON)
    assert {owner(path) for path in (home, *home.rglob("*"))} == {PERSON}


def test_links_in_an_older_home_do_not_give_away_other_files(homes: int, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside").write_text("of the host")
    home = tmp_path / "homes/kim/office"
    home.mkdir(parents=True)
    (home / "file").symlink_to(secret)
    (home / "folder").symlink_to(folder)
    os.link(secret, home / "another-name")
    make_home(homes, "kim", "office", PERSON)
    assert owner(home) == PERSON
    for path in (secret, folder, folder / "inside"):
        assert owner(path) == os.geteuid()
