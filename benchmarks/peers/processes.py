"""Helps subjects to run their processes: logs, a private folder, free ports, X servers and X authority
files."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.subject import SubjectFailedError

#: FamilyWild in an X authority file: the entry is valid for any host.
_FAMILY_WILD = 0xFFFF


class Processes:
    """The processes of one subject and its private folder with logs and X authority."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """The private folder, created at the first access."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"bench-{self._name}-"))
            write_xauthority(self._folder / "xauthority")
        return self._folder

    @property
    def xauthority(self) -> Path:
        return self.folder / "xauthority"

    def log(self, name: str) -> Path:
        """Returns the log file of the process with that name."""
        return self.folder / f"{name}.log"

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Starts a process that logs to `log(name)`. `environment` extends the environment of this
        process."""
        with self.log(name).open("wb") as sink:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=os.environ | dict(environment or {}),
                pass_fds=pass_fds,
            )
        self._started.append(process)
        return process

    def x_server(self, name: str, command: Sequence[str]) -> tuple[subprocess.Popen[bytes], str]:
        """Starts an X server that supports `-displayfd`. Returns its process and its display.

        Raises SubjectFailedError with the end of its log.
        """
        reader, writer = os.pipe()
        try:
            try:
                arguments = [*command, "-displayfd", str(writer), "-auth", str(self.xauthority)]
                server = self.spawn(name, [*arguments, "-nolisten", "tcp", "-noreset"], pass_fds=(writer,))
            finally:
                # Only the server holds this end now, so reading ends when the server ends.
                os.close(writer)
            try:
                return server, read_display(reader)
            except SubjectFailedError as error:
                raise SubjectFailedError(f"{error}: {tail(self.log(name))}") from error
        finally:
            os.close(reader)

    def xvfb(self, width_px: int, height_px: int) -> tuple[subprocess.Popen[bytes], str]:
        """Starts an Xvfb for a subject that captures a screen. Returns its process and its display."""
        return self.x_server("xvfb", ["Xvfb", "-screen", "0", f"{width_px}x{height_px}x24"])

    def stop(self) -> None:
        """Ends the processes, the newest first, and removes the folder. May be called twice."""
        while self._started:
            end(self._started.pop())
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def free_port(host: str = "127.0.0.1") -> int:
    """Returns a TCP port of `host` that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def write_xauthority(path: Path) -> None:
    """Writes an X authority file with a new cookie that is valid for any display."""

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
    """Waits until `process` listens on the port.

    Raises SubjectFailedError with the end of the log if the process ends or does not listen in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SubjectFailedError(f"{process.args!r} ended with {process.returncode}{_log_end(log)}")
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise SubjectFailedError(f"nothing listens on {host}:{port} after {timeout_s:.0f} s{_log_end(log)}")


def _log_end(log: Path | None) -> str:
    return f": {tail(log)}" if log else ""


def read_display(descriptor: int, timeout_s: float = 15) -> str:
    """Reads the display number that an X server writes to its `-displayfd`, and returns it as `:N`.

    Raises SubjectFailedError if the server writes none in time.
    """
    text = b""
    deadline = time.monotonic() + timeout_s
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 32) if ready else b""
        if not chunk:
            raise SubjectFailedError("the X server named no display")
        text += chunk
    return f":{int(text)}"


def tail(log: Path, characters: int = 400) -> str:
    """Returns the end of a log file."""
    return log.read_text(errors="replace")[-characters:].strip()


def end(process: subprocess.Popen[bytes], timeout_s: float = 10) -> None:
    """Ends a process with SIGTERM, and with SIGKILL after the timeout."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
