"""Issues certificates one at a time, whoever asks: the server's own program, a timer or the operator."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from display_server.authority.authority import create_authority, provide_certificate
from display_server.errors import ConfigurationError
from display_server.gateway.hosts import own_networks
from display_server.gateway.local_certificate import LocalCertificate, fingerprint


def issue(
    folder: Path,
    names: list[str],
    now: datetime.datetime,
    *,
    authority: Path | None = None,
    group: int | None = None,
) -> LocalCertificate:
    """Does what `provide_certificate` does, for the networks of this host. Raises ConfigurationError."""
    with _locked(authority or folder):
        _open_to_group(folder, group)
        return provide_certificate(
            folder, names, now, networks=own_networks(), authority=authority, group=group
        )


def replace_authority(authority: Path, names: list[str], now: datetime.datetime) -> str:
    """Creates a new authority and returns the fingerprint of its root certificate.

    The next issue replaces the server's certificate, too. Raises ConfigurationError.
    """
    with _locked(authority):
        return fingerprint(create_authority(authority, names, own_networks(), now))


def _open_to_group(folder: Path, group: int | None) -> None:
    """Creates the folder of the certificate, and lets the group enter it. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if group is not None:
        os.chown(folder, -1, group)
        folder.chmod(0o750)


@contextlib.contextmanager
def _locked(authority: Path) -> Iterator[None]:
    """Keeps two programs from creating an authority in the same folder at the same time."""
    try:
        authority.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority.chmod(0o700)
        lock = os.open(authority / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
    except OSError as error:
        raise ConfigurationError(
            f"The local authority in {authority} cannot be used: {error.strerror}.",
            hint="Check the permissions of the folder and the free space.",
        ) from error
