"""Small things that adapters share: free ports, X authority files, waiting for a port, ending processes."""

from __future__ import annotations

import os
import secrets
import socket
import struct
import subprocess
import time
from pathlib import Path

from benchmarks.peers.subject import SubjectFailedError

#: Any host, in the X authority file's words: FamilyWild.
_FAMILY_WILD = 0xFFFF


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of `host` that was free just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def write_xauthority(path: Path) -> None:
    """A fresh cookie, good for whatever display reads the file."""

    def counted(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    entry = struct.pack(">H", _FAMILY_WILD) + counted(b"") + counted(b"")
    entry += counted(b"MIT-MAGIC-COOKIE-1") + counted(secrets.token_bytes(16))
    path.touch(mode=0o600)
    path.write_bytes(entry)


def wait_for_port(
    port: int,
    process: subprocess.Popen[bytes],
    host: str = "127.0.0.1",
    timeout_s: float = 15,
    log: Path | None = None,
) -> None:
    """Raises SubjectFailedError, with the end of the log, when it ends or does not listen in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SubjectFailedError(f"{process.args!r} ended with {process.returncode}{_said(log)}")
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise SubjectFailedError(f"nothing listens on {host}:{port} after {timeout_s:.0f} s{_said(log)}")


def _said(log: Path | None) -> str:
    return f": {tail(log)}" if log else ""


def read_display(descriptor: int, timeout_s: float = 15) -> str:
    """The display number that an X server writes to its `-displayfd`, as `:N`."""
    import select

    text = b""
    deadline = time.monotonic() + timeout_s
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 32) if ready else b""
        if not chunk:
            raise SubjectFailedError("the X server named no display")
        text += chunk
    return f":{int(text)}"


def start_xvfb(
    xauthority: Path, width_px: int, height_px: int, log: Path
) -> tuple[subprocess.Popen[bytes], str]:
    """An X server for subjects that capture one, and its display. Leaves none behind when it fails."""
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width_px}x{height_px}x24"]
    command += ["-auth", str(xauthority), "-nolisten", "tcp", "-noreset"]
    try:
        try:
            with log.open("wb") as sink:
                server = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, pass_fds=(writer,)
                )
        finally:
            # Only the server holds it now: when that ends early, reading ends too.
            os.close(writer)
        try:
            return server, read_display(reader)
        except SubjectFailedError as error:
            end(server)
            raise SubjectFailedError(f"{error}: {tail(log)}") from error
    finally:
        os.close(reader)


def tail(log: Path, characters: int = 400) -> str:
    """What a process said last."""
    return log.read_text(errors="replace")[-characters:].strip()


def end(process: subprocess.Popen[bytes], timeout_s: float = 10) -> None:
    """SIGTERM, then SIGKILL."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
