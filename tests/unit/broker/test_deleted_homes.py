from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker import deleted_homes
from display_server.broker.folders import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder.open(tmp_path / "state")
    home = state.homes / "kim" / "office"
    home.mkdir(parents=True)
    (home / "notes.txt").write_text("what kim wrote")
    return state


def test_sets_homes_aside_so_that_a_later_account_does_not_get_them(state: StateFolder) -> None:
    kept = deleted_homes.set_aside(state, "kim")
    assert kept is not None
    assert (kept / "office" / "notes.txt").read_text() == "what kim wrote"
    assert not (state.homes / "kim").exists()
    assert deleted_homes.set_aside(state, "kim") is None
    (state.homes / "kim").mkdir()
    again = deleted_homes.set_aside(state, "kim")
    assert again is not None
    assert again != kept, "two accounts of the same name may be deleted within a second"


def test_wiping_removes_links_and_never_follows_them(state: StateFolder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("of somebody else")
    (state.homes / "kim" / "link").symlink_to(tmp_path / "outside")
    deleted_homes.wipe(state, "kim")
    assert not (state.homes / "kim").exists()
    assert (tmp_path / "outside" / "file").read_text() == "of somebody else"
    deleted_homes.wipe(state, "kim")
