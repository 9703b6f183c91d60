"""People who work in their desktops through the gateway, without a browser: each types into a terminal."""

from __future__ import annotations

import asyncio
import itertools
import ssl
from pathlib import Path

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from display_server.protocol.limits import AGENT_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.fakes.viewer import FakeViewer

#: Time between two keys of a person, s.
KEY_INTERVAL_S = 0.5
#: How long a request may take, s: opening a desktop starts it.
REQUEST_TIMEOUT_S = 180.0
#: Where a click focuses the terminal of the office desktop, in fractions of the screen.
TERMINAL_AT = (0.8, 0.75)


class Gateway:
    """How a person reaches the gateway. It presents any certificate."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.origin = f"https://localhost:{port}"
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    async def sign_in(self, username: str, password: str) -> httpx2.AsyncClient:
        """Returns a client that is signed in. Raises RuntimeError when it is refused."""
        client = httpx2.AsyncClient(
            base_url=self.origin,
            verify=self.context,
            headers={"Origin": self.origin},
            timeout=REQUEST_TIMEOUT_S,
        )
        answer = await client.post("/api/v1/sign-in", json={"username": username, "password": password})
        if answer.status_code != 200:
            raise RuntimeError(f"{username} cannot sign in: {answer.text}")
        return client


class WorkingViewer(FakeViewer):
    """A viewer that is connected through the gateway, and whose person types until `stop` is called."""

    def __init__(self, gateway: Gateway, client: httpx2.AsyncClient, desktop: str) -> None:
        super().__init__(Path("unused"))
        self._gateway = gateway
        self._client = client
        self._desktop = desktop
        self._typing: asyncio.Task[None] | None = None
        self._stopped = self._dropped = False
        self.keys = 0

    @property
    def dropped(self) -> bool:
        """Whether the connection has ended before `stop` was called."""
        return self._dropped if self._stopped else self._task.done()

    async def start(self) -> None:
        """Opens the desktop, puts the focus into its terminal and begins to type."""
        await self.__aenter__()
        await self.until(lambda: bool(self.received("welcome") and self.updates))
        height, width = self.surface.shape[:2]
        x, y = int(width * TERMINAL_AT[0]), int(height * TERMINAL_AT[1])
        for buttons in (1, 0):
            await self.send(type="pointer", x=x, y=y, buttons=buttons)
        self._typing = asyncio.create_task(self._type())

    async def sees_its_keys(self, timeout_s: float) -> bool:
        """Returns whether an update arrives after a further key."""
        keys, updates = self.keys, len(self.updates)
        try:
            await self.until(
                lambda: self.dropped or (self.keys > keys and len(self.updates) > updates), timeout_s
            )
        except TimeoutError:
            return False
        return not self.dropped

    async def stop(self) -> None:
        self._dropped, self._stopped = self.dropped, True
        if self._typing is not None:
            self._typing.cancel()
            await asyncio.gather(self._typing, return_exceptions=True)
        await self.__aexit__(None, None, None)

    async def _connect(self) -> ClientConnection:
        answer = await self._client.post(f"/api/v1/desktops/{self._desktop}/viewers")
        if answer.status_code != 201:
            raise RuntimeError(f"the desktop cannot be opened: {answer.text}")
        return await connect(
            f"wss://localhost:{self._gateway.port}/viewer",
            ssl=self._gateway.context,
            host="127.0.0.1",
            origin=Origin(self._gateway.origin),
            subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{answer.json()['ticket']}")],
            additional_headers={"Cookie": "; ".join(f"{n}={v}" for n, v in self._client.cookies.items())},
            compression=None,
            max_size=AGENT_BINARY_MAX_BYTES,
            ping_interval=None,
        )

    async def _type(self) -> None:
        for number in itertools.count():
            letter = chr(ord("a") + number % 26)
            for down in (True, False):
                await self.send(type="key", keysym=ord(letter), code=f"Key{letter.upper()}", down=down)
            self.keys += 1
            await asyncio.sleep(KEY_INTERVAL_S)
