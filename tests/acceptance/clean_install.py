"""Measures in how many clean Debian releases a wheel gives a working demo.

`python -m tests.acceptance.clean_install [RELEASE …]` builds the wheel, and does for each release (`bookworm`
and `trixie` unless others are named) what a person does: `pipx install`, `lightbox doctor`, the one command
that the doctor prints, `lightbox demo`. The release has no Node and no compiler. A browser of this host signs
in and opens the radiology desktop, which is isolated. The value is the number of releases in which it became
*Exact*. The releases have the kernel of this host, and its version of cgroups.

It needs root, debootstrap, Chromium and the package registries. `--screenshots DIR` keeps an image of each
desktop.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from display_server.config import IsolationConfig
from tests.acceptance.clean_root import CleanRoot, clean_root
from tests.acceptance.command import exit_with, note, report
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

ROOT = Path(__file__).parents[2]
RELEASES = ("bookworm", "trixie")
#: What a person who installs a wheel need not have.
NOT_NEEDED = ("node", "npm", "cc", "gcc", "clang", "make")
#: How long the demo may take to print its address on a busy host, s.
START_TIMEOUT_S = 180.0
PAGE_PX = (1600, 900)
X_SERVER = "Xvfb"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.clean_install", description=__doc__)
    parser.add_argument("releases", nargs="*", default=RELEASES, metavar="RELEASE")
    parser.add_argument("--wheel", type=Path, metavar="FILE", help="instead of building one")
    parser.add_argument("--screenshots", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    wheel = arguments.wheel or build_wheel()
    works = [release for release in arguments.releases if is_usable(release, wheel, arguments.screenshots)]
    return report("install-roots", len(works))


def build_wheel() -> Path:
    """Returns the wheel that `make dist` builds."""
    subprocess.run(["make", "--no-print-directory", "dist"], cwd=ROOT, check=True)
    (wheel,) = (ROOT / "dist").glob("*.whl")
    return wheel


def is_usable(release: str, wheel: Path, screenshots: Path | None) -> bool:
    """Installs the wheel in a clean Debian and opens a desktop. Returns whether it became exact."""
    try:
        with clean_root(release) as root:
            install(root, wheel)
            with running_demo(root) as (program, answer):
                open_desktop(release, answer, screenshots)
                require_isolated(program.family())
    except (AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        note(f"{release}: {error}")
        return False
    note(f"{release}: exact")
    return True


def install(root: CleanRoot, wheel: Path) -> None:
    """Does what docs/install.md says."""
    begun_s = time.monotonic()
    root.run("apt-get", "update", "-qq")
    root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "pipx")
    (root.folder / "root" / wheel.name).write_bytes(wheel.read_bytes())
    root.run("pipx", "install", f"/root/{wheel.name}")
    note(f"{root.release}: the wheel is installed, after {time.monotonic() - begun_s:.0f} s")
    note(f"{root.release}: {root.run('lightbox', '--version').strip()}")
    note(f"{root.release}: {root.run('python3', '--version').strip()}")
    commands = apt_commands(root.run("lightbox", "doctor", codes=(1,)))
    assert len(commands) == 1, f"the doctor prints one command, not {commands}"
    note(f"{root.release}: {commands[0]}")
    root.run(*shlex.split(commands[0]), "-y", "-qq")
    after = root.run("lightbox", "doctor")
    for line in after.splitlines():
        if "isolation: " in line:
            note(f"{root.release}: {line}")
    assert not apt_commands(after), f"the doctor is not content with its own command:\n{after}"
    needless = [name for name in NOT_NEEDED if root.has_program(name)]
    assert not needless, f"not clean: {needless}"


def apt_commands(text: str) -> list[str]:
    return re.findall(r"^(?:sudo )?apt install .*$", text, re.MULTILINE)


@contextlib.contextmanager
def running_demo(root: CleanRoot) -> Iterator[tuple[Program, dict[str, str]]]:
    """Runs `lightbox demo` in the clean Debian. Yields it, and the line that it prints when it is ready."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        log, line = Path(name) / "demo.log", Path(name) / "ready.json"
        with line.open("wb") as output:
            words = root.words("lightbox", "demo", "--json", "--port", str(free_port()))
            program = Program(words, log=log, env=root.environment, stdout=output)
        try:
            yield program, ready_line(program, line)
        finally:
            root.end(program)


def ready_line(program: Program, file: Path) -> dict[str, str]:
    """Waits for the line that `lightbox demo --json` prints into a file when it is ready, and returns it."""
    wait_for(
        lambda: file.read_text().endswith("\n") or not program.running,
        timeout_s=START_TIMEOUT_S,
        what=lambda: f"the demo's address:\n{program.log_tail()}",
    )
    assert program.running, f"the demo ended:\n{program.log_tail()}"
    answer: dict[str, str] = json.loads(file.read_text())
    return answer


def open_desktop(release: str, answer: dict[str, str], screenshots: Path | None) -> None:
    """Signs in as a person does and waits until the desktop is exact."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        browser = Chromium(Path(name), width_px=PAGE_PX[0], height_px=PAGE_PX[1])
        try:
            viewer = Viewer(browser, answer["url"].rstrip("/"))
            viewer.sign_in(answer["username"], answer["password"])
            viewer.open_desktop("radiology")
            if screenshots is not None:
                screenshots.mkdir(parents=True, exist_ok=True)
                time.sleep(PATIENCE_S / 6)  # the programs draw their windows, for the picture only
                viewer.wait_exact()
                browser.screenshot(screenshots / f"{release}.png")
        finally:
            browser.close()


def require_isolated(processes: Iterable[psutil.Process]) -> None:
    """Asserts that the X servers among these processes are of users that belong to desktops alone."""
    users = [process.uids().real for process in processes if process.name() == X_SERVER]
    isolation = IsolationConfig()
    ids = range(isolation.id_base, isolation.id_base + isolation.id_count)
    assert users, f"there is no {X_SERVER}"
    assert all(user in ids for user in users), f"not isolated: {X_SERVER} of the users {users}"


if __name__ == "__main__":
    exit_with(main)
