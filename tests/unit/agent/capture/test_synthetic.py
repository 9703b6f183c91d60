"""SyntheticSource, which other tests draw into, fulfils the contract of a frame source."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.geometry import Rect
from display_server.errors import CaptureError


async def test_damage_is_reported_read_and_found_torn() -> None:
    source = SyntheticSource(100, 50)
    contract: FrameSource = source
    await contract.open()
    await contract.wait()
    assert contract.take_damage() == [Rect(0, 0, 100, 50)]
    waiting = asyncio.create_task(contract.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    source.fill(Rect(10, 20, 30, 5), 0x102030)
    await waiting
    damage = contract.take_damage()
    assert damage == [Rect(10, 20, 30, 5)]
    assert contract.read(damage)[20, 10].tolist() == [0x30, 0x20, 0x10, 0]
    assert not await contract.is_torn(damage)
    source.draw(39, 24, np.full((1, 1, 3), 7, np.uint8))
    assert await contract.is_torn(damage)
    assert contract.take_damage() == [Rect(39, 24, 1, 1)]
    await contract.close()


async def test_a_failure_ends_wait() -> None:
    source = SyntheticSource(10, 10)
    source.take_damage()
    waiting = asyncio.create_task(source.wait())
    await asyncio.sleep(0)
    source.fail("gone")
    with pytest.raises(CaptureError, match="gone"):
        await waiting


def test_drawing_outside_the_screen_is_refused() -> None:
    with pytest.raises(ValueError, match="is not on"):
        SyntheticSource(10, 10).fill(Rect(5, 5, 6, 1), 0)
