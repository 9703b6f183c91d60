"""Runs the unit tests with every Python that Lightbox supports, with the packages of the lock.

`python -m tests.acceptance.python_versions [VERSION …]` takes each version from this host, or else from the
clean Debian release that has it. It tests the committed tree, and prints for each version what pytest
counted, why it failed, or that it was not run because neither has it. The exit code is 1 if a version failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.acceptance.commands import MISSED, REACHED
from tests.acceptance.clean_root import COMMAND_TIMEOUT_S, clean_root
from tests.acceptance.command import exit_with, note, run_program

ROOT = Path(__file__).parents[2]
#: Supported versions, and the Debian release whose `python3` each of them is.
VERSIONS = {"3.11": "bookworm", "3.12": None, "3.13": "trixie"}
#: Runs a command and returns its output. Raises RuntimeError when it fails.
Run = Callable[..., str]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.python_versions", description=__doc__)
    parser.add_argument("versions", nargs="*", default=[*VERSIONS], metavar="VERSION")
    failed = False
    versions = parser.parse_args().versions
    if unknown := sorted(set(versions) - set(VERSIONS)):
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(VERSIONS)}")
    for version in versions:
        try:
            result = outcome(version)
        except RuntimeError as error:
            failed = True
            result = f"failed:\n{error}"
        note(f"Python {version}: {result}")
    return MISSED if failed else REACHED


def outcome(version: str) -> str:
    """Tests one version. Returns what pytest counted, or why nothing was run."""
    release = VERSIONS[version]
    if program := installed(version):
        with tempfile.TemporaryDirectory(prefix="python-versions-") as name:
            copy_tree(Path(name))
            return unit_tests(run_here, program, name)
    if release is None:
        return "not run: this host does not have it, and no Debian release does"
    with clean_root(release) as root:
        root.run("apt-get", "update", "-qq")
        root.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv")
        copy_tree(root.folder / "srv")
        return unit_tests(root.run, "python3", "/srv")


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


def unit_tests(run: Run, python: str, tree: str) -> str:
    """Installs the product as `make setup-dev` does, and runs its unit tests. Returns pytest's last line."""
    own = f"{tree}/.venv/bin/python"
    run(python, "-m", "venv", f"{tree}/.venv")
    for lock in ("build", "dev"):
        run(
            own,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            f"{tree}/deploy/locks/{lock}.txt",
        )
    run(own, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--editable", tree)
    run(own, "-m", "display_codecs.build_wasm", f"{tree}/clients/web/src/decode/tile_decoder.wasm")
    tests = (own, "-m", "pytest", "-q", "--rootdir", tree, "-c", f"{tree}/pyproject.toml", "-m", "not slow")
    return run(*tests, f"{tree}/tests/unit").strip().splitlines()[-1]


def run_here(*words: str) -> str:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return run_program(words, timeout_s=COMMAND_TIMEOUT_S, env=outside)


if __name__ == "__main__":
    exit_with(main)
