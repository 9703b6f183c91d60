"""The home of one desktop is deleted, whatever form it has, and nothing else."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.errors import DesktopError
from display_server.spawner.home_storage import wipe_place
from display_server.spawner.homes import FOLDER_FLAGS


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, FOLDER_FLAGS)
    yield descriptor
    os.close(descriptor)


def test_everything_of_one_desktop_is_deleted_and_nothing_else(homes: int, tmp_path: Path) -> None:
    kim = tmp_path / "kim"
    for folder in ("office", "office.moved", "office.new", "office-2", "reading"):
        (kim / folder).mkdir(parents=True)
        (kim / folder / "letter").write_text("patient data")
    for file in ("office.img", "office.img.new", "office.failed", "reading.img"):
        (kim / file).write_text("patient data")
    wipe_place(homes, "kim", "office")
    assert sorted(path.name for path in kim.iterdir()) == ["office-2", "reading", "reading.img"]
    wipe_place(homes, "kim", "office")
    wipe_place(homes, "lee", "office")


def test_links_are_never_followed(homes: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "letter").write_text("of somebody else")
    (tmp_path / "kim" / "office").mkdir(parents=True)
    (tmp_path / "kim" / "office" / "link").symlink_to(tmp_path / "elsewhere")
    wipe_place(homes, "kim", "office")
    (tmp_path / "kim" / "office").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotADirectoryError):
        wipe_place(homes, "kim", "office")
    (tmp_path / "lee").symlink_to(tmp_path / "kim")
    with pytest.raises(OSError, match="lee"):
        wipe_place(homes, "lee", "office")
    assert (tmp_path / "elsewhere" / "letter").exists()


def test_a_home_that_moves_is_left_alone(homes: int, tmp_path: Path) -> None:
    moved = tmp_path / "kim" / "office.moved"
    moved.mkdir(parents=True)
    moving = os.open(moved, FOLDER_FLAGS)
    try:
        fcntl.flock(moving, fcntl.LOCK_EX)
        with pytest.raises(DesktopError, match="being moved"):
            wipe_place(homes, "kim", "office")
    finally:
        os.close(moving)
    assert moved.exists()
    wipe_place(homes, "kim", "office")
    assert not moved.exists()
