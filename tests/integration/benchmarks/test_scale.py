"""Tests the viewer without a browser, the simulated person on a real X server, and the figures of `scale`."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xcffib
import xcffib.xproto
from display_codecs import TileGrid, digest_tiles, encode_tiles, root_digest
from numpy.typing import NDArray

from benchmarks.scale import office
from benchmarks.scale.curves import tile_fraction
from benchmarks.scale.desktops import marginal
from benchmarks.scale.office import Button, Key, action
from benchmarks.scale.surface import SurfaceMemory
from display_server.protocol.wire import UpdateWriter

WIDTH, HEIGHT, SEED = 200, 150, 0x1234
ROOT = Path(__file__).parents[3]


class Report(NamedTuple):
    """A digest report (PROTOCOL.md, section 4), parsed independently of the product."""

    epoch: int
    full: bool
    root: int
    tiles: list[int]
    digests: NDArray[np.uint64]

    @classmethod
    def read(cls, data: bytes) -> Report:
        kind, flags, monitor, epoch, root, count = struct.unpack_from("<BBHIQH", data)
        assert (kind, monitor) == (2, 0)
        entries = np.frombuffer(data, np.dtype([("tile", "<u2"), ("digest", "<u8")]), offset=18)
        assert len(entries) == count
        return cls(epoch, bool(flags & 1), root, entries["tile"].tolist(), entries["digest"])


@pytest.fixture
def image() -> NDArray[np.uint8]:
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 0
    return pixels


def test_a_surface_shows_what_was_sent_and_has_the_agents_digests(
    image: NDArray[np.uint8],
) -> None:
    grid = TileGrid(WIDTH, HEIGHT)
    tiles = list(range(grid.count))
    coded = encode_tiles(image, grid, tiles)
    payloads = [coded.payload(tile) for tile in tiles]
    surface = SurfaceMemory(WIDTH, HEIGHT, SEED)

    update = UpdateWriter(0, 1, 0, reset=True)
    update.tiles(tiles[:5], payloads[:5])
    update.store(tiles[5:], tiles[5:], payloads[5:])
    surface.apply(update.finish(partial=False))
    assert (surface.pixels == image).all()

    report = Report.read(surface.report(0))
    expected = digest_tiles(image, grid, tiles, SEED)
    assert (report.epoch, report.full, report.tiles) == (1, False, tiles)
    assert (report.digests == expected).all()
    assert report.root == root_digest(expected, SEED)

    # A tile from the cache, and a rectangle that is moved across the borders of four tiles.
    update = UpdateWriter(0, 2, 0, reset=False)
    update.move(60, 60, 10, 10, 40, 30)
    update.cached([5], [5])
    surface.apply(update.finish(partial=False))
    moved = image.copy()
    moved[60:70, 60:70] = image[30:40, 20:30]
    x, y, width, height = grid.rect(5)
    moved[y : y + height, x : x + width] = image[y : y + height, x : x + width]
    assert (surface.pixels == moved).all()

    report = Report.read(surface.report(0))
    assert report.tiles == [0, 1, 4, 5]
    assert report.root == root_digest(digest_tiles(moved, grid, tiles, SEED), SEED)
    assert Report.read(surface.report(0)).tiles == []
    assert Report.read(surface.report(0, full=True)).tiles == tiles


def test_a_wrong_pixel_on_the_surface_changes_the_report(
    image: NDArray[np.uint8],
) -> None:
    grid = TileGrid(WIDTH, HEIGHT)
    update = UpdateWriter(0, 1, 0, reset=True)
    coded = encode_tiles(image, grid, range(grid.count))
    update.tiles(range(grid.count), [coded.payload(tile) for tile in range(grid.count)])
    surface = SurfaceMemory(WIDTH, HEIGHT, SEED)
    surface.apply(update.finish(partial=False))
    surface.pixels[100, 100, 1] ^= 1
    report = Report.read(surface.report(0))
    expected = digest_tiles(image, grid, range(grid.count), SEED)
    assert list(np.flatnonzero(report.digests != expected)) == [5]


def test_the_script_types_scrolls_and_changes_windows() -> None:
    actions = [action(turn) for turn in range(office.ROUND)]
    assert actions == [action(turn) for turn in range(office.ROUND)], "the script is deterministic"
    assert actions[0] == Button(1, window=0)
    assert sum(isinstance(what, Key) for what in actions) == office.LETTERS + 1
    assert actions[office.LETTERS + 1] == Key(office.RETURN_KEYSYM)
    assert actions[office.LETTERS + 2] == Button(1, window=1)
    assert [what.number for what in actions[office.LETTERS + 3 :] if isinstance(what, Button)] == [4] * 7 + [
        5
    ] * 7
    typed = [what for turn in range(1000) if isinstance(what := action(turn), Key)]
    assert len({key.keysym for key in typed}) == 27, "every letter and Return"


@pytest.fixture
def display() -> Iterator[str]:
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert server.stdout is not None
    yield f":{int(server.stdout.readline())}"
    server.terminate()
    server.wait(10)


def test_a_simulated_person_works_until_stdin_is_closed(display: str, tmp_path: Path) -> None:
    authority = tmp_path / "authority"
    authority.touch()
    command = [sys.executable, "-m", "benchmarks.scale.office", display, str(authority)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as people:
        assert people.stdout is not None
        assert people.stdout.readline() == b"ready\n"
        connect: Any = xcffib.connect  # xcffib publishes no types
        watcher = connect(display)
        seen: set[int] = set()
        # Clicks move the focus between the two terminals; a round of the script takes six seconds.
        for _ in range(1000):
            seen.add(watcher.core.GetInputFocus().reply().focus)
            if len(seen) > 1:
                break
            time.sleep(0.02)
        watcher.disconnect()
        assert people.stdin is not None
        people.stdin.close()
        assert people.wait(20) == 0
    assert len(seen) > 1


def test_the_tile_fraction_counts_touched_tiles() -> None:
    assert tile_fraction((0, 0, 1920, 1080), 1920, 1080) == 1
    assert tile_fraction((0, 0, 64, 64), 1920, 1080) == 1 / (30 * 17)
    assert tile_fraction((63, 63, 2, 2), 1920, 1080) == 4 / (30 * 17)


def test_marginal_cost_is_that_of_the_added_desktops() -> None:
    two = {"desktops": 2.0, "server_cores": 0.1}
    assert marginal({}, two) == {}
    assert marginal(two, {"desktops": 4.0, "server_cores": 0.5}) == {"marginal_cores_per_desktop": 0.2}
