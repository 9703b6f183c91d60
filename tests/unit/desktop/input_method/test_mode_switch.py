"""Clicks on the panel's indicator arrive through a named pipe."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.desktop.input_method.mode_switch import PIPE_NAME, ModeSwitch


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[ModeSwitch]:
    opened = ModeSwitch(tmp_path)
    yield opened
    opened.close()


def click(folder: Path, times: int = 1) -> None:
    """Writes as `echo click 1<>PIPE` does."""
    descriptor = os.open(folder / PIPE_NAME, os.O_RDWR)
    for _ in range(times):
        os.write(descriptor, b"click\n")
    os.close(descriptor)


def test_clicks_are_counted_once(switch: ModeSwitch, tmp_path: Path) -> None:
    assert switch.clicks() == 0
    click(tmp_path)
    assert switch.clicks() == 1
    click(tmp_path, 2)
    click(tmp_path)
    assert [switch.clicks(), switch.clicks()] == [3, 0]


def test_only_the_user_may_click(switch: ModeSwitch, tmp_path: Path) -> None:
    mode = (tmp_path / PIPE_NAME).stat().st_mode
    assert stat.S_ISFIFO(mode)
    assert stat.S_IMODE(mode) == 0o600


def test_clicks_for_a_process_that_ended_are_forgotten(switch: ModeSwitch, tmp_path: Path) -> None:
    click(tmp_path)
    following = ModeSwitch(tmp_path)
    assert following.clicks() == 0
    following.close()
