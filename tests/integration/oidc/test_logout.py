"""Sign-outs that come from the provider, over the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from display_server.broker.web_sessions import SignedInUser
from display_server.broker_link.cookies import SESSION, CookieScope, hash_of
from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.oidc import Browser, OidcProvider, client_of, oidc_provider, settings_for

#: How long the provider may take to send its logout token, s.
PATIENCE_S = 30.0
Both = tuple[GatewayUnderTest, OidcProvider]
LOGOUT = "/api/v1/sign-in/oidc/hospital/back-channel-logout"


@pytest.fixture
async def both(folder: Path) -> AsyncIterator[Both]:
    """A server and a provider that reach each other."""
    with oidc_provider(folder / "provider") as provider:
        server_folder = folder / "server"
        server_folder.mkdir()
        settings = settings_for(provider)
        async with running_gateway(server_folder, EchoLauncher(), providers=[settings]) as gateway:
            authority = server_folder / "authority.pem"
            authority.write_text(gateway.root_pem)
            provider.start([client_of(gateway.url)], trust=authority)
            yield gateway, provider


async def sign_in(client: httpx2.AsyncClient, browser: Browser, login: str) -> None:
    begun = await client.post("/api/v1/sign-in/oidc/hospital/begin", json={})
    back = await browser.sign_in(begun.json()["url"], login)
    found = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    answer = await client.post("/api/v1/sign-in/oidc/hospital/finish", json=found)
    assert answer.status_code == 200, answer.text


async def user_of(gateway: GatewayUnderTest, client: httpx2.AsyncClient) -> SignedInUser | None:
    secret = client.cookies[CookieScope().name(SESSION)]
    return await gateway.services.web_sessions.find_by_hash(hash_of(secret))


async def test_a_sign_out_at_the_provider_ends_the_web_sessions(both: Both) -> None:
    gateway, provider = both
    browsers = [Browser(provider) for _ in range(3)]
    clients = [gateway.client() for _ in range(3)]
    try:
        for client, browser, login in zip(
            clients, browsers, ("subject-1", "subject-1", "subject-2"), strict=True
        ):
            await sign_in(client, browser, login)
        viewer = await gateway.open_viewer(clients[0], desktop="office")
        user = await user_of(gateway, clients[0])
        assert user is not None
        oidc = gateway.services.oidc
        at = await oidc.sessions.find(user.id_hash)
        assert at is not None
        url = await oidc.sign_out_url(at, f"{gateway.url}/")
        assert url is not None
        await browsers[0].sign_out(url)
        try:
            await asyncio.wait_for(viewer.wait_closed(), PATIENCE_S)
        except TimeoutError:
            raise AssertionError((provider.folder / "provider.log").read_text()) from None
        signed_in = [(await client.get("/api/v1/me")).status_code for client in clients]
        assert signed_in == [401, 200, 200], "this session of the provider alone"
        # What is no logout token of this provider ends nothing.
        for form in ({"logout_token": at.id_token}, {"logout_token": "x.y.z"}, {}, {"other": "x"}):
            answer = await clients[1].post(LOGOUT, data=form, headers={"Origin": ""})
            assert (answer.status_code, answer.json()["code"]) == (400, "provider-answer"), form
        answer = await clients[1].post(LOGOUT.replace("hospital", "unknown"), data={"logout_token": "x"})
        assert answer.status_code == 404
        assert (await clients[1].get("/api/v1/me")).status_code == 200
    finally:
        for client, browser in zip(clients, browsers, strict=True):
            await client.aclose()
            await browser.close()
