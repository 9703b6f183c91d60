"""`lightbox backup` and `lightbox restore`: save a state folder, and bring it back."""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from display_server.cli.options import ConfigOption, StateOption
from display_server.cli.storage import chosen_database, state_folder

#: Largest number of file names that are printed.
NAMES_MAX = 10


def backup(
    archive: Annotated[
        Path, typer.Argument(metavar="FILE", help="The archive to write, for example lightbox.tar.gz.")
    ],
    homes: Annotated[bool, typer.Option("--homes", help="Also save the homes of all people.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Save accounts, records and keys in one archive, while the server runs.

    The archive has mode 0600 and contains password hashes and private keys: keep it where only operators can
    read it. It has neither the configuration nor a certificate of your own, which lie outside of the state
    folder. With --homes it also has patient data.
    """
    from display_server.broker.backup import write_backup
    from display_server.broker.folders import StateFolder
    from display_server.server.database import copy_to_sqlite

    folder = StateFolder(state_folder(state, config).expanduser().absolute())
    chosen = chosen_database(folder, config)
    copy = None if chosen.url is None else functools.partial(copy_to_sqlite, chosen, folder)
    report = write_backup(folder, archive, homes=homes, copy_database=copy)
    size_mb = archive.stat().st_size / 1e6
    print(f"{archive} written: {report.files} files, {size_mb:.1f} MB.", file=sys.stderr)
    if not homes:
        print("Homes are not in it; --homes adds them.", file=sys.stderr)
    _print_names("These files changed while they were saved, and may be incomplete:", report.changed)
    _print_names("These entries are not in it (sockets, devices, or not readable):", report.skipped)


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of `lightbox backup`.")],
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Restore an archive into an empty state folder, before a server is started with it.

    People sign in again with their passwords. An archive of an older version is upgraded when the server
    starts. Accounts and records are in an SQLite file then; `lightbox database copy` moves them to
    PostgreSQL.
    """
    from display_server.broker.folders import StateFolder
    from display_server.broker.restore import restore_backup

    target = state_folder(state, config)
    manifest = restore_backup(archive, target)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(manifest.created_s))
    homes = "with homes" if manifest.homes else "without homes"
    print(
        f"{target} restored from {archive}, which version {manifest.version} saved on {when}, {homes}.",
        file=sys.stderr,
    )
    if chosen_database(StateFolder(target), config).url is not None:
        print("`lightbox database copy` moves its accounts and records to PostgreSQL.", file=sys.stderr)


def _print_names(title: str, names: list[str]) -> None:
    if names:
        print(title, file=sys.stderr)
        for name in names[:NAMES_MAX]:
            print(f"  {name}", file=sys.stderr)
        if len(names) > NAMES_MAX:
            print(f"  and {len(names) - NAMES_MAX} more", file=sys.stderr)
