"""`python -m display_server.spawner` runs the spawner, as root, until it is stopped.

Desktops go on without it, and the next spawner with the same folder finds them again. Everything that it may
touch is named on the command line by the administrator, or by the server that root started. Its log goes to
standard error.
"""

from __future__ import annotations

import argparse
import ctypes
import ipaddress
import os
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from display_server.errors import ConfigurationError
from display_server.spawner import own_folder
from display_server.spawner.network_messages import DEFAULT_NETWORK_RANGE
from display_server.spawner.product import product_folders
from display_server.spawner.runtime import Runtime, choose_runtime
from display_server.spawner.server import SpawnerServer
from display_server.spawner.spawner import Settings, Spawner

#: Option of prctl(2): processes of containers become children of the spawner, which collects them.
_PR_SET_CHILD_SUBREAPER = 36
_STDIN = 0
#: Variables of the administrator that the processes of desktops get. Nothing else is passed on.
PASSED_ON = ("TZ", "LIGHTBOX_LOG_LEVEL")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        print("spawner: it has to run as root", file=sys.stderr)
        return 2
    os.umask(0o077)
    try:
        program = choose_runtime()
        if options.client_uid != 0:
            require_homes_of_root(options.homes)
        lock = own_folder.take(options.folder)
    except (ConfigurationError, OSError) as error:
        print(f"spawner: {error}", file=sys.stderr)
        return 2
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    settings = Settings(
        folder=options.folder,
        homes=options.homes,
        desktops=options.desktops,
        logs=options.logs,
        id_base=options.id_base,
        id_count=options.id_count,
        product=product_folders(),
        network_range=options.network_range,
        client_uid=options.client_uid,
        profiles=options.profiles,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        make_folders(settings, options.client_uid)
        runtime = Runtime(program, settings.folder / "runtime", [lock])
        spawner = Spawner(settings, runtime, environment(), _log)
        server = SpawnerServer(settings.folder / "spawner.sock", options.client_uid, spawner, _log)
        _log(f"ready, with {program[-1]}")
        server.serve(_STDIN if options.end_with_stdin else None)
    finally:
        own_folder.remove_if_empty(settings.folder)
    return 0


def require_homes_of_root(homes: Path) -> None:
    """Raises ConfigurationError unless root alone can replace the folder of all homes, and OSError.

    Otherwise the server, which is not root, could make this process mount any folder as a home.
    """
    for folder in (homes.parent, homes):
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o711)
    for folder in (homes, *homes.parents):
        status = folder.lstat()
        replaceable = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or replaceable:
            raise ConfigurationError(
                f"The folder {folder} does not belong to root alone, and homes are below it.",
                hint=f"chown root {folder}; chmod go-w {folder}",
            )


def make_folders(settings: Settings, client_uid: int) -> None:
    """Creates the folders of bundles, of the runtime and of desktops where they are missing."""
    settings.bundles.mkdir(exist_ok=True)
    settings.bundles.chmod(0o711)  # the root users of containers pass through
    (settings.folder / "runtime").mkdir(mode=0o700, exist_ok=True)
    settings.desktops.mkdir(mode=0o700, exist_ok=True)
    os.chown(settings.desktops, client_uid, -1)


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
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=purpose)
    parser.add_argument("--logs", type=Path, help="the folder of the desktops' logs; default: standard error")
    parser.add_argument("--profiles", type=Path, help="the folder of the operator's profiles")
    parser.add_argument("--client-uid", type=int, required=True, help="the user who may send requests")
    parser.add_argument("--id-base", type=int, required=True, help="the first host id for desktops")
    parser.add_argument("--id-count", type=int, required=True, help="how many host ids desktops may use")
    parser.add_argument(
        "--end-with-stdin", action="store_true", help="end when standard input closes; desktops go on"
    )
    parser.add_argument(
        "--network-range",
        type=ipaddress.IPv4Network,
        default=DEFAULT_NETWORK_RANGE,
        help="the addresses of desktops with a network",
    )
    return parser


def _log(text: str) -> None:
    print(f"spawner: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
