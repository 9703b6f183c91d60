"""A person who signs in at a gateway of the tests, inside or outside of the hospital's network."""

from __future__ import annotations

import base64
from typing import Any

import httpx2

from display_server.broker.second_factor import totp
from display_server.broker.second_factor.policy import SecondFactorSettings
from tests.fakes.gateway import PASSWORD, GatewayUnderTest

INSIDE, OUTSIDE = "10.1.2.3", "192.0.2.7"


def is_inside(address: str) -> bool:
    return address.startswith("10.")


ALWAYS = SecondFactorSettings("always", is_inside)
FROM_OUTSIDE = SecondFactorSettings("outside", is_inside)


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Person:
    """A person with a browser at one address, and with an app once it is set up."""

    def __init__(self, gateway: GatewayUnderTest, clock: Clock, address: str = INSIDE) -> None:
        self.http = gateway.in_process_client(address)
        self.clock = clock
        self.secret = b""
        self.recovery_codes: list[str] = []

    async def post(self, path: str, **body: Any) -> httpx2.Response:
        return await self.http.post(f"/api/v1/{path}", json=body)

    async def password(self, username: str = "kim") -> httpx2.Response:
        return await self.post("sign-in", username=username, password=PASSWORD)

    def code(self) -> str:
        """Returns a code of the app that was not used before."""
        self.clock.now_s += 30
        return totp.code_at(self.secret, totp.step_of(self.clock.now_s))

    async def enrol_app(self, path: str = "sign-in") -> httpx2.Response:
        setup = (await self.post(f"{path}/app/begin")).json()
        self.secret = base64.b32decode(setup["secret"])
        answer = await self.post(f"{path}/app", code=self.code())
        self.recovery_codes = answer.json().get("recovery_codes") or self.recovery_codes
        return answer

    async def signed_in(self) -> bool:
        return (await self.http.get("/api/v1/me")).status_code == 200

    async def sign_out(self) -> None:
        await self.post("sign-out")
