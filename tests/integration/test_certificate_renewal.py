"""A local certificate is renewed while viewers are connected."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from display_server.authority.authority import LEAF_DAYS, provide_certificate
from display_server.broker.folders import StateFolder
from display_server.config import Config
from display_server.errors import LightboxError
from display_server.gateway.local_certificate import KEY_FILE, RENEW_DAYS, ROOT_FILE
from display_server.gateway.tls_exchange import tls_context
from display_server.server.certificates import load_certificate
from display_server.server.reload import Reloader, Settings, prepare
from tests.fakes.gateway import MAY_READ_METRICS, NAMES, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
async def gateway() -> AsyncIterator[GatewayUnderTest]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        async with running_gateway(Path(path), EchoLauncher()) as running:
            yield running


async def presented(gateway: GatewayUnderTest) -> x509.Certificate:
    """Returns the certificate that a new connection gets, which the gateway's authority must have signed."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", gateway.port, ssl=gateway.context, server_hostname="localhost"
    )
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der)


def reloader_of(gateway: GatewayUnderTest, folder: Path, settings: Settings) -> Reloader:
    config = settings.config
    return Reloader(
        settings,
        StateFolder(folder),
        gateway.services,
        read=lambda: config,
        requested=asyncio.Event(),
        write_result=lambda _: None,
    )


async def expiring_soon(folder: Path) -> Settings:
    """Returns settings with a certificate of the gateway's authority that has to be renewed."""
    config = Config(state=folder)
    settings = await prepare(config, StateFolder(folder))
    for file in ("server.crt", "server.key"):
        (folder / "tls" / file).unlink()
    then = NOW - (LEAF_DAYS - RENEW_DAYS + 1) * DAY
    provide_certificate(folder / "tls", NAMES, then)
    old = await load_certificate(config, folder / "tls", NAMES, then)
    return replace(settings, certificate=old)


async def test_is_renewed_without_dropping_a_viewer(gateway: GatewayUnderTest) -> None:
    folder = Path(gateway.services.sessions.specs.folders.homes).parent
    old = await expiring_soon(folder)
    gateway.server.tls.exchange(tls_context(old.certificate.chain_pem, old.certificate.key_pem))
    assert await presented(gateway) == old.certificate.leaf
    reloader = reloader_of(gateway, folder, old)
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client) as viewer:
        await reloader.renew_certificate()
        new = await presented(gateway)
        assert new.not_valid_after_utc - NOW > 390 * DAY
        await viewer.send("still here")
        assert await viewer.recv() == "still here"
        await reloader.renew_certificate()
        assert await presented(gateway) == new, "it is renewed once"
    text = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    [line] = [
        line
        for line in text.splitlines()
        if line.startswith('lightbox_certificate_expiry_timestamp_seconds{certificate="server"}')
    ]
    assert float(line.split()[-1]) == new.not_valid_after_utc.timestamp()
    assert 'lightbox_certificate_expiry_timestamp_seconds{certificate="root"}' in text


async def test_a_failed_renewal_keeps_the_certificate_and_is_explained(gateway: GatewayUnderTest) -> None:
    folder = Path(gateway.services.sessions.specs.folders.homes).parent
    old = await expiring_soon(folder)
    gateway.server.tls.exchange(tls_context(old.certificate.chain_pem, old.certificate.key_pem))
    (folder / "tls" / "ca.key").unlink()
    reloader = reloader_of(gateway, folder, old)
    with pytest.raises(LightboxError, match="one is missing") as failure:
        await reloader.renew_certificate()
    assert "Restore both from a backup" in failure.value.next_step
    assert await presented(gateway) == old.certificate.leaf


async def test_this_process_never_opens_the_key_of_the_authority(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(gateway.services.sessions.specs.folders.homes).parent
    old = await expiring_soon(folder)
    opened: list[str] = []
    read = Path.read_bytes

    def recording(path: Path) -> bytes:
        opened.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", recording)
    await reloader_of(gateway, folder, old).renew_certificate()
    assert {ROOT_FILE, KEY_FILE} <= set(opened)
    assert "ca.key" not in opened
    assert isinstance(gateway.server.tls.listening, ssl.SSLContext)
