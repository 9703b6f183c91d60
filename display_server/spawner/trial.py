"""Starts one container on trial, described like that of a desktop, and says why it does not run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from display_server.spawner import layout
from display_server.spawner.bundle import Container, configuration, write_root
from display_server.spawner.messages import Limits
from display_server.spawner.product import product_folders
from display_server.spawner.runtime import COMMAND_TIMEOUT_S, ERROR_MAX, SEARCH_PATH, Runtime

#: What the container runs: its Python must find Lightbox.
PROGRAM = (sys.executable, "-c", "import display_server.spawner.layout")
#: Where the trial's folders are: a memory file system whose path the users of containers may pass through.
BASE = Path("/run")


def try_container(program: Sequence[str], first_id: int, base: Path = BASE) -> str:
    """Returns why a container of the users from `first_id` on does not run here; an empty text if it does.

    `program` is the beginning of the runtime's commands.
    """
    name = f"trial-{os.getpid()}"
    try:
        with tempfile.TemporaryDirectory(prefix="lightbox-trial-", dir=base) as folder:
            path = Path(folder)
            bundle = _bundle(path, name, first_id)
            runtime = Runtime(program, path / "runtime")
            try:
                return _run(runtime, name, bundle)
            finally:
                runtime.remove(name)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)[:ERROR_MAX]


def _bundle(folder: Path, name: str, first_id: int) -> Path:
    folder.chmod(0o711)
    for part in ("home", "desktop", "bundle", "bundle/rootfs"):
        (folder / part).mkdir(mode=0o755)
    for offset, part in enumerate(("desktop", "home")):  # of the container's root, and of the person
        os.chown(folder / part, first_id + offset, first_id + offset)
    container = Container(
        session=name,
        person_name=layout.PERSON_NAME,
        hostname=name,
        first_id=first_id,
        limits=Limits(),
        home=folder / "home",
        folder=folder / "desktop",
        product=product_folders(),
        command=PROGRAM,
        environment={"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    before = os.umask(0o022)
    try:
        write_root(container, folder / "bundle/rootfs")
        description = configuration(container)
        description["process"]["args"] = list(PROGRAM)
        (folder / "bundle/config.json").write_text(json.dumps(description))
    finally:
        os.umask(before)
    return folder / "bundle"


def _run(runtime: Runtime, name: str, bundle: Path) -> str:
    done = subprocess.run(
        runtime.command("run", "--bundle", str(bundle), name),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=COMMAND_TIMEOUT_S,
        env={"PATH": SEARCH_PATH, "LANG": "C.UTF-8"},
        umask=0o022,  # of the mount points, through which all users of the container pass
    )
    if done.returncode == 0:
        return ""
    with contextlib.suppress(IndexError):
        return done.stderr.strip().splitlines()[-1][:ERROR_MAX]
    return f"exit code {done.returncode}"
