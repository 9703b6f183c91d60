"""What adapters share: the processes and the folder of a subject, free ports, X authority files, waiting."""

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

#: Any host, in the X authority file's words: FamilyWild.
_FAMILY_WILD = 0xFFFF


class Processes:
    """All that one subject has started, and a private folder with its logs and its X authority."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started: list[subprocess.Popen[bytes]] = []
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """Made when first asked for."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=f"bench-{self._name}-"))
            write_xauthority(self._folder / "xauthority")
        return self._folder

    @property
    def xauthority(self) -> Path:
        return self.folder / "xauthority"

    def log(self, name: str) -> Path:
        """Where the program of that name says what it has to say."""
        return self.folder / f"{name}.log"

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """`environment` comes on top of ours."""
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
        """An X server that takes `-displayfd`, and its display. Raises SubjectFailedError, with its words."""
        reader, writer = os.pipe()
        try:
            try:
                words = [*command, "-displayfd", str(writer), "-auth", str(self.xauthority)]
                server = self.spawn(name, [*words, "-nolisten", "tcp", "-noreset"], pass_fds=(writer,))
            finally:
                # Only the server holds it now: when that ends early, reading ends too.
                os.close(writer)
            try:
                return server, read_display(reader)
            except SubjectFailedError as error:
                raise SubjectFailedError(f"{error}: {tail(self.log(name))}") from error
        finally:
            os.close(reader)

    def xvfb(self, width_px: int, height_px: int) -> tuple[subprocess.Popen[bytes], str]:
        """For subjects that capture a screen."""
        return self.x_server("xvfb", ["Xvfb", "-screen", "0", f"{width_px}x{height_px}x24"])

    def stop(self) -> None:
        """Ends the newest first, and removes the folder. Safe to call twice."""
        while self._started:
            end(self._started.pop())
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


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
