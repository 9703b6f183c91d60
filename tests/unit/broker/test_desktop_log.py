"""The logs of desktops: the journal, or files that are kept small."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from display_server.broker.launchers.desktop_log import open_desktop_log, rotate_logs
from display_server.desktop.spec import DesktopSpec


def spec_in(folder: Path) -> DesktopSpec:
    return DesktopSpec(
        session="bcdfghjkmn",
        user="kim",
        desktop="reading",
        profile="blank",
        width_px=800,
        height_px=600,
        home=str(folder / "home"),
        folder=str(folder / "desktop"),
        log_folder=str(folder),
    )


def own_stream() -> dict[str, str]:
    status = os.fstat(2)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def write_and_close(descriptor: int, text: bytes) -> None:
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def test_writes_to_a_private_file(folder: Path) -> None:
    for line in (b"one\n", b"two\n"):
        write_and_close(open_desktop_log(spec_in(folder), {}), line)
    log = folder / "reading.log"
    assert log.read_bytes() == b"one\ntwo\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_follows_no_link(folder: Path) -> None:
    (folder / "reading.log").symlink_to(folder / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        open_desktop_log(spec_in(folder), {})
    assert not (folder / "elsewhere").exists()


def test_writes_to_the_journal_where_the_server_does(folder: Path) -> None:
    path = folder / "stdout"
    received: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as journal:
        journal.bind(str(path))
        journal.listen()

        def receive() -> None:
            connection, _ = journal.accept()
            with connection:
                while chunk := connection.recv(4096):
                    received.append(chunk)

        reading = threading.Thread(target=receive)
        reading.start()
        write_and_close(
            open_desktop_log(spec_in(folder), own_stream(), journal=path), b'{"session":"bcdfghjkmn"}\n'
        )
        reading.join(60)
    assert b"".join(received) == b'lightbox-desktop\n\n6\n1\n0\n0\n0\n{"session":"bcdfghjkmn"}\n'
    assert not (folder / "reading.log").exists()


@pytest.mark.parametrize("stream", ["", "1:2", "nonsense", "1:"])
def test_a_stream_that_is_not_its_own_means_a_file(folder: Path, stream: str) -> None:
    """`JOURNAL_STREAM` is inherited by programs whose standard error goes elsewhere."""
    write_and_close(open_desktop_log(spec_in(folder), {"JOURNAL_STREAM": stream}), b"line\n")
    assert (folder / "reading.log").read_bytes() == b"line\n"


def test_a_journal_that_does_not_answer_means_a_file(folder: Path) -> None:
    descriptor = open_desktop_log(spec_in(folder), own_stream(), journal=folder / "missing")
    write_and_close(descriptor, b"line\n")
    assert (folder / "reading.log").read_bytes() == b"line\n"


class TestRotation:
    def test_a_running_desktop_goes_on_in_the_same_file(self, folder: Path) -> None:
        descriptor = open_desktop_log(spec_in(folder), {})
        try:
            os.write(descriptor, b"x" * 100)
            assert rotate_logs(folder, max_bytes=99) == [folder / "reading.log"]
            os.write(descriptor, b"after\n")
        finally:
            os.close(descriptor)
        assert (folder / "reading.log").read_bytes() == b"after\n"
        assert (folder / "reading.log.1").read_bytes() == b"x" * 100
        assert (folder / "reading.log.1").stat().st_mode & 0o777 == 0o600

    def test_a_small_file_stays(self, folder: Path) -> None:
        (folder / "reading.log").write_bytes(b"x" * 99)
        assert rotate_logs(folder, max_bytes=99) == []

    def test_only_some_old_files_are_kept(self, folder: Path) -> None:
        log = folder / "reading.log"
        for number in range(6):
            log.write_bytes(bytes([number]) * 10)
            rotate_logs(folder, max_bytes=5, kept=3)
        assert {path.name: path.read_bytes()[:1] for path in folder.iterdir()} == {
            "reading.log": b"",
            "reading.log.1": b"\5",
            "reading.log.2": b"\4",
            "reading.log.3": b"\3",
        }

    def test_a_file_that_cannot_be_rotated_does_not_stop_the_others(self, folder: Path) -> None:
        (folder / "a.log").write_bytes(b"x" * 10)
        (folder / "a.log.1").mkdir()
        (folder / "b.log").write_bytes(b"x" * 10)
        assert rotate_logs(folder, max_bytes=5, kept=1) == [folder / "b.log"]
