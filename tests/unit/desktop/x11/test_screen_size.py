"""The size in an X server's answer to a new client; test_cli_shutdown.py asks a real one."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from display_server.desktop.x11 import screen_size as module
from display_server.desktop.x11.screen_size import parse_setup, screen_size

COOKIE = bytes(range(16))


def setup(width_px: int, height_px: int, *, vendor: bytes, formats: int) -> bytes:
    head = bytes(16) + struct.pack("<HHBB", len(vendor), 65_535, 1, formats) + bytes(10)
    screen = bytes(20) + struct.pack("<HH", width_px, height_px) + bytes(16)
    return head + vendor + bytes(-len(vendor) % 4) + bytes(8 * formats) + screen


@pytest.mark.parametrize("vendor", [b"", b"X", b"The X.Org Foundation"])
def test_finds_the_size_behind_the_vendor_and_the_formats(vendor: bytes) -> None:
    assert parse_setup(setup(1280, 720, vendor=vendor, formats=7)) == (1280, 720)


def authority(*entries: tuple[bytes, bytes, bytes]) -> bytes:
    """Returns the content of an authority file, from number, name and data."""
    fields = ((b"host", *entry) for entry in entries)
    return b"".join(
        struct.pack(">H", 256) + b"".join(struct.pack(">H", len(part)) + part for part in entry)
        for entry in fields
    )


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "SOCKETS", tmp_path)
    return tmp_path


def test_sends_the_cookie_of_this_display(sockets: Path) -> None:
    file = sockets / "xauthority"
    file.write_bytes(
        authority((b"8", b"MIT-MAGIC-COOKIE-1", b"other"), (b"7", b"MIT-MAGIC-COOKIE-1", COOKIE))
    )
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sockets / "X7"))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(4096))
                body = setup(800, 600, vendor=b"test", formats=1)
                connection.sendall(struct.pack("<BxHHH", 1, 11, 0, len(body) // 4) + body)

        thread = threading.Thread(target=answer)
        thread.start()
        assert screen_size(":7.0", file) == (800, 600)
        thread.join()
    assert received[0].endswith(COOKIE)


def test_an_x_server_that_hangs_or_is_missing_has_no_size(
    sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sockets / "X7"))
        server.listen()  # accepts connections, as the kernel does for a stopped process
        assert screen_size(":7", sockets / "none") is None
    assert screen_size(":8", None) is None
