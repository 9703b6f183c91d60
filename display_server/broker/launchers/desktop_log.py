"""Where the processes of a desktop write their log: the systemd journal, or a file that is kept small.

Supervisor, X server and agent inherit the descriptor; programs of the desktop get another one (a file in the
person's home). Every line of Lightbox's own processes carries the id of the session.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

import structlog

from display_server.desktop.spec import DesktopSpec

log = structlog.get_logger(__name__)

#: journald's socket for streams of lines.
JOURNAL_SOCKET = Path("/run/systemd/journal/stdout")
#: The name of the lines in the journal (SYSLOG_IDENTIFIER).
IDENTIFIER = "lightbox-desktop"
#: Priority of lines without one of their own: informational (RFC 5424).
PRIORITY = 6
#: A log file that is larger than this is rotated, bytes.
LOG_MAX_BYTES = 4 * 1024 * 1024
#: How many rotated files are kept, beside the current one.
LOGS_KEPT = 3


def open_desktop_log(
    spec: DesktopSpec, environment: Mapping[str, str], *, journal: Path = JOURNAL_SOCKET
) -> int:
    """Returns a descriptor for the log of a desktop, which the caller closes. Raises OSError.

    If this process itself writes to the journal, as a service of systemd does, the desktop does, too.
    """
    if _writes_to_journal(environment):
        try:
            return _open_journal(journal)
        except OSError as error:
            log.warning("journal not available; the desktop logs to a file", error=error.strerror)
    path = Path(spec.log_folder) / f"{spec.desktop}.log"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def rotate_logs(folder: Path, *, max_bytes: int = LOG_MAX_BYTES, kept: int = LOGS_KEPT) -> list[Path]:
    """Rotates the log files of a folder that have become too large, and returns them.

    The processes of a desktop go on writing to the same file: it is copied and then emptied. Lines written
    between the two are lost. The alternative, a pipe to this process, would end with this process.
    """
    rotated = []
    for path in sorted(folder.glob("*.log")):
        try:
            if path.stat().st_size <= max_bytes:
                continue
            for number in range(kept - 1, 0, -1):
                older = path.with_name(f"{path.name}.{number}")
                if older.exists():
                    older.replace(path.with_name(f"{path.name}.{number + 1}"))
            first = path.with_name(f"{path.name}.1")
            shutil.copyfile(path, first)
            first.chmod(0o600)
            os.truncate(path, 0)
        except OSError as error:
            log.warning("log not rotated", path=str(path), error=error.strerror)
            continue
        rotated.append(path)
    return rotated


def _writes_to_journal(environment: Mapping[str, str]) -> bool:
    """Returns whether standard error is the stream that systemd connected with the journal."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdigit() and inode.isdigit()):
        return False
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (int(device), int(inode))


def _open_journal(path: Path) -> int:
    """Opens a stream to journald, as `sd_journal_stream_fd` does. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.connect(str(path))
        stream.shutdown(socket.SHUT_RD)
        # Identifier, unit (for privileged senders only), priority, whether lines may begin with a priority in
        # angle brackets, and whether they are also sent to syslog, to the kernel's log and to the console.
        stream.sendall(f"{IDENTIFIER}\n\n{PRIORITY}\n1\n0\n0\n0\n".encode())
        return stream.detach()
