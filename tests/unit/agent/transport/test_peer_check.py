from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from display_server.agent.transport import private_socket
from display_server.agent.transport.peer_check import PeerCheck, peer_uid
from display_server.desktop.spec import DesktopSpec, new_secret, read_spec, write_spec


def test_without_a_list_root_and_the_own_user_may_connect() -> None:
    check = PeerCheck("secret")
    assert check.allows_user(0)
    assert check.allows_user(os.geteuid())
    assert not check.allows_user(os.geteuid() + 1)


def test_a_list_replaces_the_default() -> None:
    check = PeerCheck("secret", [65534])
    assert check.allows_user(65534)
    assert not check.allows_user(0)


@pytest.mark.parametrize("given", [None, "", "Secret", "secret1", "secre", "geheimnis", "비밀", "\udcff"])
def test_another_secret_is_refused(given: str | None) -> None:
    assert PeerCheck("secret").allows_secret("secret")
    assert not PeerCheck("secret").allows_secret(given)


@pytest.mark.parametrize("given", [None, ""])
def test_an_empty_secret_admits_nobody(given: str | None) -> None:
    assert not PeerCheck("").allows_secret(given)


@pytest.mark.parametrize(
    ("uids", "mode"), [([], 0o600), ([0, os.geteuid()], 0o600), ([os.geteuid(), 65534], 0o666)]
)
def test_sockets_can_be_opened_by_those_who_may_connect(tmp_path: Path, uids: list[int], mode: int) -> None:
    path = Path(os.path.relpath(tmp_path / "s"))
    shared = PeerCheck("secret", uids).admits_others
    with private_socket.listen(path, socket.SOCK_SEQPACKET, shared=shared):
        assert path.stat().st_mode & 0o777 == mode


def test_the_kernel_says_who_connected() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert peer_uid(one) == os.geteuid()


def test_every_desktop_has_a_secret_of_its_own(tmp_path: Path) -> None:
    specs = [DesktopSpec("s", "u", "d", "blank", 1, 1, "/h", str(tmp_path), "/l") for _ in range(2)]
    assert specs[0].secret != specs[1].secret
    assert len(specs[0].secret) == len(new_secret()) == 64
    assert specs[0].secret not in repr(specs[0])
    write_spec(specs[0])
    assert read_spec(tmp_path).secret == specs[0].secret


def test_a_specification_without_a_secret_admits_nobody_who_read_it(tmp_path: Path) -> None:
    folder = tmp_path
    write_spec(DesktopSpec("s", "u", "d", "blank", 1, 1, "/h", str(folder), "/l"))
    fields = json.loads((folder / "spec.json").read_text())
    del fields["secret"]
    (folder / "spec.json").write_text(json.dumps(fields))
    assert not PeerCheck(read_spec(folder).secret).allows_secret("")
