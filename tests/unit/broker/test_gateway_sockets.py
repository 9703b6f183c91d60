"""The folder and sockets by which a gateway of another user reaches the broker."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from display_server.broker.folders import SHARED_MEMORY
from display_server.broker.gateway_sockets import GatewaySockets, provide_folder
from display_server.errors import ConfigurationError

#: Another user than that of the test.
GATEWAY = 54321


@pytest.fixture
def base() -> Iterator[Path]:
    """On a memory file system, which has access control lists."""
    with tempfile.TemporaryDirectory(prefix="lb", dir=SHARED_MEMORY) as path:
        yield Path(path)


@pytest.fixture
def sockets(base: Path) -> GatewaySockets:
    sockets = GatewaySockets(base / "gateway-1", GATEWAY)
    provide_folder(sockets.folder, os.geteuid())
    return sockets


def access_of(path: Path) -> bytes:
    return os.getxattr(path, "system.posix_acl_access")


def test_only_the_gateways_user_may_enter_and_connect(sockets: GatewaySockets) -> None:
    sockets.open_folder()
    assert GATEWAY.to_bytes(4, "little") in access_of(sockets.folder)
    assert sockets.folder.stat().st_mode & 0o707 == 0o700
    with sockets.listen(sockets.requests):
        assert GATEWAY.to_bytes(4, "little") in access_of(sockets.requests)
        assert sockets.requests.stat().st_mode & 0o707 == 0o600


def test_a_broker_that_starts_again_gives_no_more_rights(sockets: GatewaySockets) -> None:
    sockets.open_folder()
    before = access_of(sockets.folder)
    sockets.open_folder()
    assert access_of(sockets.folder) == before


def test_even_the_brokers_own_user_is_refused(sockets: GatewaySockets) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert sockets.refused_uid(theirs) == os.geteuid()
        assert GatewaySockets(sockets.folder).refused_uid(theirs) is None, "where there is one user for both"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(sockets: GatewaySockets) -> None:
    os.chown(sockets.folder, GATEWAY, -1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        sockets.open_folder()


def test_a_link_in_the_place_of_the_folder_is_refused(base: Path) -> None:
    (base / "gateway-1").symlink_to(base)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        provide_folder(base / "gateway-1", os.geteuid())


@pytest.mark.skipif(os.geteuid() == 0, reason="root creates the folder")
def test_without_root_the_spawner_has_to_create_the_folder(base: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file") as refused:
        GatewaySockets(base / "gateway-1", GATEWAY).open_folder()
    assert "restart lightbox-spawner" in refused.value.hint


def test_with_one_user_for_both_nothing_is_created(base: Path) -> None:
    sockets = GatewaySockets(base / "run")
    sockets.open_folder()
    assert not sockets.folder.exists()
