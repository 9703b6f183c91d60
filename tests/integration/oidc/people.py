"""A person's browser in tests: it has one page of the server open, and goes to the provider and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.fakes.gateway import GatewayUnderTest
from tests.fakes.oidc import Browser, OidcProvider

#: The address of the server, as the provider knows it. No network is used to reach it.
SERVER = "https://localhost:8443"


class Person:
    """`name` is that of the provider in the configuration."""

    def __init__(self, gateway: GatewayUnderTest, provider: OidcProvider, name: str = "hospital") -> None:
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(gateway.gateway.app, client=("127.0.0.1", 1)),
            base_url=SERVER,
            headers={"Origin": SERVER},
        )
        self.browser = Browser(provider)
        self.name = name

    async def close(self) -> None:
        await self.browser.close()
        await self.client.aclose()

    async def begin(self, *, unlock: bool = False) -> str:
        """Returns the address of the provider to which the page leads."""
        answer = await self.client.post(f"/api/v1/sign-in/oidc/{self.name}/begin", json={"unlock": unlock})
        assert answer.status_code == 200, answer.text
        url: str = answer.json()["url"]
        return url

    async def visit(self, login: str, *, unlock: bool = False) -> dict[str, str]:
        """Signs in at the provider. Returns the parameters with which it sends the browser back."""
        back = await self.browser.sign_in(await self.begin(unlock=unlock), login)
        assert back.startswith(f"{SERVER}/oidc/{self.name}?"), back
        found = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        return {name: found[name] for name in ("state", "code", "iss", "error") if name in found}

    async def finish(self, parameters: dict[str, str], name: str | None = None) -> tuple[int, dict[str, Any]]:
        answer = await self.client.post(f"/api/v1/sign-in/oidc/{name or self.name}/finish", json=parameters)
        return answer.status_code, answer.json()

    async def sign_in(self, login: str = "subject-1") -> tuple[int, dict[str, Any]]:
        return await self.finish(await self.visit(login))

    async def is_signed_in(self) -> bool:
        return (await self.client.get("/api/v1/me")).status_code == 200
