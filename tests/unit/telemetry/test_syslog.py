"""Messages of syslog reach a Unix socket, UDP and TCP in the form of RFC 5424."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from display_server.telemetry.syslog import SyslogAddress, Transport, message, send

CONTENT = message("한 line", message_id="audit check", at_us=1_000_000)


def test_parses_addresses() -> None:
    assert SyslogAddress.parse("unix:/dev/log") == SyslogAddress(Transport.UNIX, "/dev/log")
    assert SyslogAddress.parse("udp:192.0.2.7:514") == SyslogAddress(Transport.UDP, "192.0.2.7", 514)
    assert SyslogAddress.parse("tcp:[2001:db8::1]:601") == SyslogAddress(Transport.TCP, "2001:db8::1", 601)
    for wrong in (
        "",
        "log",
        "unix:dev/log",
        "udp:host",
        "tcp:host:0",
        "tcp:host:70000",
        "tls:host:1",
        "udp:a b:",
    ):
        with pytest.raises(ValueError, match="write unix"):
            SyslogAddress.parse(wrong)


def test_a_message_has_the_form_of_rfc_5424() -> None:
    head, _, text = CONTENT.decode().partition(" - ")
    assert text == "한 line"
    fields = head.split(" ")
    assert fields[:2] == ["<85>1", "1970-01-01T00:00:01.000000Z"]
    assert fields[3] == "lightbox"
    assert fields[5] == "auditcheck"


def test_sends_to_a_unix_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        send(SyslogAddress(Transport.UNIX, str(tmp_path / "log")), CONTENT)
        assert server.recv(4096) == CONTENT


def test_sends_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        send(SyslogAddress(Transport.UDP, "127.0.0.1", server.getsockname()[1]), CONTENT)
        assert server.recv(4096) == CONTENT


def test_sends_by_tcp_with_the_length_in_front() -> None:
    received: list[bytes] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(4096):
                received.append(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        send(SyslogAddress(Transport.TCP, "127.0.0.1", server.getsockname()[1]), CONTENT)
        thread.join()
    assert b"".join(received) == b"%d %s" % (len(CONTENT), CONTENT)


def test_an_address_that_nobody_listens_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"."):
        send(SyslogAddress(Transport.UNIX, str(tmp_path / "log")), CONTENT)
