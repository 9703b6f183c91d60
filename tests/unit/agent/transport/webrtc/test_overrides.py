"""What `aiortc_overrides.py` relies on: a new aiortc or aioice that changes it is noticed here."""

from __future__ import annotations

import inspect

import pytest
from aioice import Connection
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, RTCSctpTransport

from display_server.agent.transport.webrtc.aiortc_overrides import Gatherer, Transport


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (RTCDtlsTransport, "_handle_rtcp_data", ["self", "data"]),
        (RTCDtlsTransport, "_send_rtp", ["self", "data"]),
        (RTCDtlsTransport, "_set_role", ["self", "role"]),
        (RTCSctpTransport, "start", ["self", "remoteCaps", "remotePort"]),
        (RTCSctpTransport, "stop", ["self"]),
        (RTCSctpTransport, "_handle_data", ["self", "data"]),
        (RTCSctpTransport, "_mark_received", ["self", "tsn"]),
        (RTCSctpTransport, "_receive_data_chunk", ["self", "chunk"]),
        (RTCSctpTransport, "_receive_sack_chunk", ["self", "chunk"]),
        (RTCSctpTransport, "_receive_forward_tsn_chunk", ["self", "chunk"]),
        (RTCSctpTransport, "_reset_deferred_streams", ["self"]),
        (RTCIceGatherer, "gather", ["self"]),
        (Connection, "gather_candidates", ["self"]),
    ],
)
def test_a_method_that_is_overridden_or_called(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_candidates_are_gathered_by_component_and_address() -> None:
    parameters = inspect.signature(Connection.get_component_candidates).parameters
    assert list(parameters)[:3] == ["self", "component", "addresses"]


async def test_only_the_addresses_asked_for_are_offered() -> None:
    gatherer = Gatherer(["127.0.0.1"])
    ice = RTCIceTransport(gatherer)
    Transport(ice, RTCCertificate.generateCertificate(), lambda _: None)
    await gatherer.gather()
    assert [candidate.ip for candidate in gatherer.getLocalCandidates()] == ["127.0.0.1"]
    await ice.stop()


async def test_rtcp_comes_as_it_is() -> None:
    heard: list[bytes] = []
    ice = RTCIceTransport(Gatherer(["127.0.0.1"]))
    transport = Transport(ice, RTCCertificate.generateCertificate(), heard.append)
    await transport._handle_rtcp_data(b"\x8f\xcd\x00\x01nonsense")
    assert heard == [b"\x8f\xcd\x00\x01nonsense"]
    await ice.stop()
