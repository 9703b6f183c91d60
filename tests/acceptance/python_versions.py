"""Runs tests with every Python that Lightbox supports, with the packages of the lock.

`python -m tests.acceptance.python_versions [VERSION …]` takes each version from this host, or else from the
clean Debian release that has it. `make setup-dev` installs the committed tree, as for a contributor. The unit
tests run, and with `--integration` those that start servers as well, but no browsers. For each version it
prints what pytest counted, why it failed, or that it was not run because neither has it. The exit code is 1
if a version failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.acceptance.commands import MISSED, REACHED
from tests.acceptance.clean_root import COMMAND_TIMEOUT_S, clean_root
from tests.acceptance.command import exit_with, note, run_program

ROOT = Path(__file__).parents[2]
#: Supported versions, and the Debian release whose `python3` each of them is.
VERSIONS = {"3.11": "bookworm", "3.12": None, "3.13": "trixie"}
UNIT, INTEGRATION = "tests/unit", "tests/integration"
#: How long the tests of one version may take, s: integration tests take an hour on a busy host.
TESTS_TIMEOUT_S = 7200.0
#: Runs words in a folder for some seconds at most, and returns the output. Raises RuntimeError if they fail.
Run = Callable[[Path, Sequence[str], float], str]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.python_versions", description=__doc__)
    parser.add_argument("versions", nargs="*", default=[*VERSIONS], metavar="VERSION")
    parser.add_argument("--integration", action="store_true", help="run the integration tests as well")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.versions) - set(VERSIONS)):
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(VERSIONS)}")
    folders = [UNIT, INTEGRATION] if arguments.integration else [UNIT]
    failed = False
    for version in arguments.versions:
        try:
            result = outcome(version, folders)
        except RuntimeError as error:
            failed = True
            result = f"failed:\n{error}"
        note(f"Python {version}, {' and '.join(folders)}: {result}")
    return MISSED if failed else REACHED


def outcome(version: str, folders: Sequence[str]) -> str:
    """Tests one version. Returns what pytest counted, or why nothing was run."""
    release = VERSIONS[version]
    if program := installed(version):
        with tempfile.TemporaryDirectory(prefix="python-versions-") as name:
            copy_tree(Path(name))
            here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            environment = here | {"LIGHTBOX_PYTHON": program}

            def run_here(folder: Path, words: Sequence[str], timeout_s: float) -> str:
                return run_program(["env", f"--chdir={folder}", *words], timeout_s=timeout_s, env=environment)

            return tested(run_here, Path(name), folders)
    if release is None:
        return "not run: this host does not have it, and no Debian release does"
    with clean_root(release) as root:

        def run_there(folder: Path, words: Sequence[str], timeout_s: float) -> str:
            return root.run("env", f"--chdir={folder}", *words, timeout_s=timeout_s)

        root.run("apt-get", "update", "-qq")
        root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "make")
        copy_tree(root.folder / "srv")
        return tested(run_there, Path("/srv"), folders)


def installed(version: str) -> str | None:
    """Returns the interpreter of this host, if there is one that runs: a shim of pyenv may name none."""
    program = shutil.which(f"python{version}")
    if program is None or subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode:
        return None
    return program


def copy_tree(folder: Path) -> None:
    """Copies the committed files."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)


def tested(run: Run, tree: Path, folders: Sequence[str]) -> str:
    """Installs the tree as a contributor does, and runs its tests. Returns pytest's last line."""
    run(tree, ["make", "--no-print-directory", "setup-dev"], COMMAND_TIMEOUT_S)
    found = run(tree, [".venv/bin/python", "--version"], COMMAND_TIMEOUT_S).strip()
    note(f"{found} is set up")
    tests = [".venv/bin/python", "-m", "pytest", "-q", "-m", "not nightly", *folders]
    return run(tree, tests, TESTS_TIMEOUT_S).strip().splitlines()[-1]


if __name__ == "__main__":
    exit_with(main)
