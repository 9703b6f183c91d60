"""What `aiortc_overrides.py` relies on: a version of aiortc or aioice that changes it fails here.

METHODS and FIELDS name every private method and field that the file uses or overrides, with the class that
has it. A scan of the file's syntax tree finds those that the tables lack, and those that nobody uses any
more.
"""

from __future__ import annotations

import ast
import functools
import inspect
import pkgutil
import re
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import aioice
import aioice.ice
import aiortc
import pytest
from aioice import Connection
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, RTCSctpTransport

import display_server
from display_server.agent.transport.webrtc import aiortc_overrides
from display_server.agent.transport.webrtc.aiortc_overrides import (
    DtlsTransport,
    GivenSocketsConnection,
    GivenSocketsGatherer,
)
from tests.fakes.agent import LoopbackNetworks

#: Private methods and their parameters.
METHODS: dict[tuple[type, str], list[str]] = {
    (RTCDtlsTransport, "_handle_rtcp_data"): ["self", "data"],
    (RTCDtlsTransport, "_set_role"): ["self", "role"],
    (RTCSctpTransport, "_handle_data"): ["self", "data"],
    (RTCSctpTransport, "_mark_received"): ["self", "tsn"],
    (RTCSctpTransport, "_receive_data_chunk"): ["self", "chunk"],
    (RTCSctpTransport, "_receive_forward_tsn_chunk"): ["self", "chunk"],
    (RTCSctpTransport, "_receive_sack_chunk"): ["self", "chunk"],
    (RTCSctpTransport, "_reset_deferred_streams"): ["self"],
}
#: Private fields, which the constructor sets.
FIELDS: set[tuple[type, str]] = {
    (Connection, "_local_candidates"),
    (Connection, "_local_candidates_end"),
    (Connection, "_local_candidates_start"),
    (Connection, "_nominated"),
    (Connection, "_protocols"),
    (RTCDtlsTransport, "_tx_srtp"),
    (RTCIceGatherer, "_connection"),
    (RTCIceTransport, "_connection"),
    (RTCSctpTransport, "_sack_misordered"),
    (RTCSctpTransport, "_sack_needed"),
}
#: Public methods that are overridden or called by the overrides, with their parameters.
PUBLIC = {
    (Connection, "gather_candidates"): ["self"],
    (RTCDtlsTransport, "stop"): ["self"],
    (RTCIceGatherer, "gather"): ["self"],
    (RTCSctpTransport, "start"): ["self", "remoteCaps", "remotePort"],
    (RTCSctpTransport, "stop"): ["self"],
}
OVERRIDES = Path(aiortc_overrides.__file__)


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names(tree: ast.AST) -> Iterator[str]:
    """Yields the private attributes that are read, written or defined as methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            yield node.attr
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and private(member.name):
                    yield member.name


@functools.cache
def library_names() -> set[str]:
    """Returns the private attributes of aiortc and aioice."""
    names: set[str] = set()
    for package in (aiortc, aioice):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = find_spec(module.name)
            if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
                names |= set(private_names(ast.parse(Path(spec.origin).read_text())))
    return names


def product_files() -> list[Path]:
    """Returns the files of the product, except the one of the overrides, that mention WebRTC."""
    files = Path(display_server.__file__).parent.rglob("*.py")
    mention = re.compile("aiortc|aioice|webrtc")
    return [file for file in files if file != OVERRIDES and mention.search(file.read_text())]


def test_the_tables_name_all_private_names_that_are_used_and_no_others() -> None:
    used = set(private_names(ast.parse(OVERRIDES.read_text()))) & library_names()
    assert used == {name for _, name in METHODS} | {name for _, name in FIELDS}


def test_our_own_private_names_do_not_clash_with_inherited_ones() -> None:
    """A private name that a base class uses as well must be in the tables, for that class."""
    inherited = {
        (base, name)
        for ours in vars(aiortc_overrides).values()
        if inspect.isclass(ours) and ours.__module__ == aiortc_overrides.__name__
        for base in ours.__mro__[1:-1]
        if base.__module__.startswith(("aiortc", "aioice"))
        for name in set(private_names(ast.parse(inspect.getsource(ours))))
        & set(private_names(ast.parse(inspect.getsource(base))))
    }
    named = {name for _, name in set(METHODS) | FIELDS}
    assert {name for _, name in inherited} <= named


@pytest.mark.parametrize(("owner", "name"), [*METHODS, *PUBLIC])
def test_a_method_has_the_parameters_that_we_expect(owner: type, name: str) -> None:
    expected = {**METHODS, **PUBLIC}[owner, name]
    assert list(inspect.signature(getattr(owner, name)).parameters) == expected


@pytest.mark.parametrize(("owner", "name"), sorted(FIELDS, key=str))
def test_a_field_is_set_by_the_constructor(owner: type, name: str) -> None:
    (constructor,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(owner)))
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    stored = {
        node.attr
        for node in ast.walk(constructor)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert name in stored


async def test_candidates_are_those_that_aioice_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    own = Connection(ice_controlling=False)
    await own.gather_candidates()
    ours = GivenSocketsConnection(await LoopbackNetworks().open_sockets())
    await ours.gather_candidates()
    for candidates in (own.local_candidates, ours.local_candidates):
        for one in candidates:
            one.port = 0
    assert vars(own.local_candidates[0]) == vars(ours.local_candidates[0])
    await own.close()
    await ours.close()


def test_no_other_file_uses_private_names_of_the_libraries() -> None:
    names = library_names()
    found = []
    for file in product_files():
        for node in ast.walk(ast.parse(file.read_text())):
            imported = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("aiortc", "aioice")
            )
            if imported and any(private(alias.name) for alias in node.names):  # type: ignore[attr-defined]
                found.append(f"{file.name}:{node.lineno}")  # type: ignore[attr-defined]
            if not isinstance(node, ast.Attribute) or node.attr not in names:
                continue
            ours = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not ours:
                found.append(f"{file.name}:{node.lineno} {node.attr}")
    assert found == []


def test_no_other_file_derives_from_classes_of_the_libraries() -> None:
    for file in product_files():
        tree = ast.parse(file.read_text())
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("aiortc", "aioice"))
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert not {base.id for base in node.bases if isinstance(base, ast.Name)} & imported, file


def test_webrtc_does_not_import_motion_detection() -> None:
    """A WebRTC engineer can review the package alone."""
    for file in OVERRIDES.parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("display_server.agent.motion"), file


async def test_only_the_given_sockets_are_offered() -> None:
    (given,) = await LoopbackNetworks().open_sockets()
    address, port = given.getsockname()
    gatherer = GivenSocketsGatherer([given])
    ice = RTCIceTransport(gatherer)
    DtlsTransport(ice, RTCCertificate.generateCertificate(), lambda _: None)
    await gatherer.gather()
    assert [(one.ip, one.port) for one in gatherer.getLocalCandidates()] == [(address, port)]
    (line,) = gatherer.candidate_lines()
    assert f" {address} {port} typ host" in line
    await ice.stop()
    assert given.fileno() == -1, "the gatherer closes the socket"


async def test_sockets_are_closed_when_one_of_them_cannot_be_used() -> None:
    networks = LoopbackNetworks()
    sockets = [*await networks.open_sockets(), *await networks.open_sockets()]
    sockets.insert(1, socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sockets[1].close()
    with pytest.raises((OSError, ValueError)):
        await GivenSocketsGatherer(sockets).gather()
    assert [one.fileno() for one in sockets] == [-1, -1, -1]


async def test_rtcp_is_passed_on_unchanged() -> None:
    received: list[bytes] = []
    ice = RTCIceTransport(GivenSocketsGatherer([]))
    transport = DtlsTransport(ice, RTCCertificate.generateCertificate(), received.append)
    await transport._handle_rtcp_data(b"\x8f\xcd\x00\x01nonsense")
    assert received == [b"\x8f\xcd\x00\x01nonsense"]
    await ice.stop()
