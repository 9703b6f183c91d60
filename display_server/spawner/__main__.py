"""`python -m display_server.spawner` runs the spawner, as root, until it is stopped.

Desktops go on without it. Everything that it may touch is named on the command line by the administrator, or
by the server that root started. Its log goes to standard error.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from display_server.errors import ConfigurationError
from display_server.spawner.runtime import Runtime, choose_runtime
from display_server.spawner.server import SpawnerServer
from display_server.spawner.spawner import Settings, Spawner

#: Option of prctl(2): processes of containers become children of the spawner, which collects them.
_PR_SET_CHILD_SUBREAPER = 36
#: Variables of the administrator that the processes of desktops get. Nothing else is passed on.
PASSED_ON = ("TZ", "LIGHTBOX_LOG_LEVEL")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        print("spawner: it has to run as root", file=sys.stderr)
        return 2
    try:
        program = choose_runtime()
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    os.umask(0o077)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    settings = Settings(
        folder=options.folder,
        homes=options.homes,
        desktops=options.desktops,
        logs=options.logs,
        id_base=options.id_base,
        id_count=options.id_count,
        product=product_folders(),
    )
    settings.bundles.mkdir(mode=0o711, parents=True, exist_ok=True)
    for folder in (settings.folder, settings.bundles):
        folder.chmod(0o711)  # the root users of containers pass through
    runtime_folder = settings.folder / "runtime"
    runtime_folder.mkdir(mode=0o700, exist_ok=True)
    spawner = Spawner(settings, Runtime(program, runtime_folder), environment())
    server = SpawnerServer(settings.folder / "spawner.sock", options.client_uid, spawner, _log)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _log(f"ready, with {program[-1]}")
    server.serve()
    return 0


def product_folders() -> tuple[Path, ...]:
    """Returns where Lightbox and its Python are, so that containers can have them at the same paths."""
    import display_server

    folders = [Path(sys.prefix), Path(sys.base_prefix)]
    for package in ("display_server", "display_codecs"):
        found = importlib.util.find_spec(package)
        if found is not None and found.submodule_search_locations:
            folders.append(Path(next(iter(found.submodule_search_locations))))
    assert display_server.__file__ is not None
    outer: list[Path] = []
    for folder in sorted({path.resolve() for path in folders}, key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(other) for other in outer):
            outer.append(folder)
    return tuple(outer)


def environment() -> dict[str, str]:
    """Returns the variables of the supervisor, from which X server and agent inherit them."""
    passed_on = {name: value for name in PASSED_ON if (value := os.environ.get(name))}
    return {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1", **passed_on}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m display_server.spawner", description=__doc__)
    for name, purpose in (
        ("folder", "the spawner's own folder, on a memory file system"),
        ("homes", "the folder of all homes"),
        ("desktops", "the folder in which each desktop gets one"),
        ("logs", "the folder of the desktops' logs"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=purpose)
    parser.add_argument("--client-uid", type=int, required=True, help="the user who may send requests")
    parser.add_argument("--id-base", type=int, required=True, help="the first host id for desktops")
    parser.add_argument("--id-count", type=int, required=True, help="how many host ids desktops may use")
    return parser


def _log(text: str) -> None:
    print(f"spawner: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
