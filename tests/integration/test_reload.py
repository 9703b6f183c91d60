"""Configuration and certificates are reloaded while people work: a program, real TLS and open viewers."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import signal
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from display_server.authority.authority import provide_certificate
from display_server.gateway.local_certificate import LocalCertificate
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.fakes.gateway import PASSWORD, make_web_client

ROOT = Path(__file__).resolve().parents[2]
#: How many people work while the server reloads.
VIEWERS = 20
#: A server that is not ready, or a reload that is not over, after this time has failed, s.
PATIENCE_S = 120.0
NAMES = ["localhost", "127.0.0.1", "::1"]


def own_certificate(folder: Path, *, names: list[str] = NAMES, age_days: int = 0) -> LocalCertificate:
    """Creates a certificate of the operator, issued by an authority of its own."""
    folder.mkdir(mode=0o700)
    return provide_certificate(
        folder, names, datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=age_days)
    )


@dataclass
class Server:
    """A server that runs as a program of its own, and its configuration file."""

    folder: Path
    process: asyncio.subprocess.Process
    url: str
    log: Path
    viewers: list[ClientConnection] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def reload(self) -> tuple[int, dict[str, Any]]:
        """Runs `lightbox reload` and returns its exit code and what it says about this server."""
        command = ("reload", "--state", str(self.folder / "state"), "--json")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "display_server.cli", *command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(self.folder),
            cwd=ROOT,
        )
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode in {0, 1}, errors.decode()
        (answer,) = json.loads(output)
        return process.returncode, answer

    async def presented(self) -> x509.Certificate:
        """Returns the certificate that a new connection gets."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(der)

    def client(self) -> httpx2.AsyncClient:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = f"https://localhost:{self.port}"
        return httpx2.AsyncClient(base_url=url, verify=context, headers={"Origin": url}, timeout=PATIENCE_S)

    async def sign_in(self, username: str) -> httpx2.AsyncClient:
        client = self.client()
        answer = await client.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return client

    async def open_viewer(self, client: httpx2.AsyncClient, desktop: str = "reading") -> ClientConnection:
        ticket = (await client.post(f"/api/v1/desktops/{desktop}/viewers")).json()["ticket"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = f"localhost:{self.port}"
        viewer = await connect(
            f"wss://{url}/viewer",
            ssl=context,
            host="127.0.0.1",
            origin=Origin(f"https://{url}"),
            subprotocols=[Subprotocol(SUBPROTOCOL), Subprotocol(f"{TICKET_PREFIX}{ticket}")],
            additional_headers={"Cookie": "; ".join(f"{n}={v}" for n, v in client.cookies.items())},
            compression=None,
            ping_interval=None,
        )
        self.viewers.append(viewer)
        return viewer

    async def everybody_works(self, text: str) -> None:
        """Sends something through every open viewer and reads the agent's echo: none has been dropped."""
        for viewer in self.viewers:
            await viewer.send(text)
        for viewer in self.viewers:
            assert await asyncio.wait_for(viewer.recv(), PATIENCE_S) == text

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - another process writes the log
                await asyncio.sleep(0.05)


def environment(folder: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTBOX_")}
    return {**ours, "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder)}


def write_config(folder: Path, text: str = "", *, users: str = '"kim"', desktops: str = "reading") -> None:
    """Writes the configuration. `text` comes before the desktops."""
    path = folder / "lightbox.toml"
    path.write_text(
        f'state = "{folder}/state"\nweb_client = "{folder}/dist"\n'
        + ("" if "port =" in text else "port = 0\n")
        + text
        + "".join(
            f'\n[[desktops]]\nname = "{name}"\nprofile = "blank"\nusers = [{users}]\n'
            for name in desktops.split()
        )
    )
    path.chmod(0o600)


@asynccontextmanager
async def running_server(folder: Path, *options: str) -> AsyncIterator[Server]:
    """Runs a server with options of `serve_program`."""
    log = folder / "log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.serve_program", str(folder / "lightbox.toml"), *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            env=environment(folder),
            cwd=ROOT,
        )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        assert line, log.read_text()
        server = Server(folder, process, json.loads(line)["url"], log)
        yield server
        for viewer in server.viewers:
            await viewer.close()
        assert process.returncode is None, log.read_text()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server with a local authority. Only kim may open its desktop `reading`."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        folder = Path(path)
        make_web_client(folder / "dist")
        write_config(folder)
        async with running_server(folder) as running:
            yield running


async def test_nobody_is_disconnected_when_everything_changes(server: Server) -> None:
    kim = await server.sign_in("kim")
    for _ in range(VIEWERS):
        await server.open_viewer(kim)
    await server.everybody_works("before")
    first = await server.presented()

    # 1. The certificate is exchanged for one of the operator.
    own = own_certificate(server.folder / "own")
    tls = f'[tls]\ncertificate = "{own.certificate}"\nkey = "{own.key}"\n'
    write_config(server.folder, tls)
    code, answer = await server.reload()
    assert (code, answer["ok"], answer["certificate_changed"]) == (0, True, True)
    assert set(answer["applied"]) == {"tls.certificate", "tls.key"}
    second = await server.presented()
    assert second == x509.load_pem_x509_certificate(own.certificate.read_bytes())
    assert second != first
    await server.everybody_works("another certificate")

    # 2. The same files have a renewed certificate, as after `certbot renew`.
    renewed = own_certificate(server.folder / "renewed")
    renewed.certificate.replace(own.certificate)
    renewed.key.replace(own.key)
    code, answer = await server.reload()
    assert (code, answer["applied"], answer["certificate_changed"]) == (0, [], True)
    assert await server.presented() not in (first, second)
    await server.everybody_works("a renewed certificate")

    # 3. Kim loses the entitlement, lee gets it, and there is a second desktop.
    write_config(server.folder, tls, users='"lee"', desktops="reading second")
    assert (await server.reload())[0] == 0
    await server.everybody_works("another entitlement")
    (warning,) = (await kim.get("/api/v1/messages")).json()
    assert (warning["code"], warning["desktop"]) == ("access-ends", "reading")
    refused = await kim.post("/api/v1/desktops/second/viewers")
    assert (refused.status_code, refused.json()["code"]) == (404, "no-desktop")
    await server.open_viewer(await server.sign_in("lee"), "second")
    await server.everybody_works("a second desktop")

    # 4. Names, proxies, limits of sign-ins, language and video.
    more = (
        'names = ["localhost"]\ntrusted_proxies = ["192.0.2.1"]\nlocale = "en_US.UTF-8"\n'
        + tls
        + "[sign_in]\nabsolute_hours = 12\n[video]\nmax_mbps = 10\n"
    )
    write_config(server.folder, more, users='"lee"', desktops="reading second")
    code, answer = await server.reload()
    changed = {"names", "trusted_proxies", "locale", "sign_in.absolute_hours", "video.max_mbps"}
    assert set(answer["applied"]) == changed
    await server.everybody_works("other settings")
    assert len(server.viewers) == VIEWERS + 1


async def test_an_invalid_configuration_is_refused_and_the_previous_one_stays(server: Server) -> None:
    await server.open_viewer(await server.sign_in("kim"))
    before = await server.presented()
    short = server.folder / "short"
    short.write_text("guessable\n")
    short.chmod(0o600)
    elsewhere = own_certificate(server.folder / "elsewhere", names=["other.example"])
    expired = own_certificate(server.folder / "expired", age_days=500)

    def tls(local: LocalCertificate) -> str:
        return f'[tls]\ncertificate = "{local.certificate}"\nkey = "{local.key}"\n'

    mistakes = {
        "nonsense": "not valid TOML",
        'names = ["https://wrong"]\n': "neither a host name",
        'names = ["new.example"]\n': "may not certify new.example",
        "unknown_key = 1\n": "there is no key",
        '[tls]\ncertificate = "/none"\nkey = "/none"\n': "cannot be read",
        'names = ["localhost"]\n' + tls(elsewhere): "is not valid for: localhost",
        tls(expired): "expired on",
        f'[metrics]\ntoken_file = "{short}"\n': "could be guessed",
        'trusted_proxies = ["0.0.0.0/0"]\n': "covers every address",
    }
    for text, cause in mistakes.items():
        # Each of them also takes the desktop away from kim, which must not happen either.
        write_config(server.folder, text, users='"lee"')
        code, answer = await server.reload()
        assert (code, answer["ok"]) == (1, False), text
        assert cause in answer["cause"], answer
        assert answer["next_step"]
    write_config(server.folder, users='"lee"', desktops="")
    assert "defines no desktops" in (await server.reload())[1]["cause"]

    assert await server.presented() == before
    await server.everybody_works("still the previous configuration")
    await server.open_viewer(await server.sign_in("kim"))
    refusals = server.log_lines("configuration refused; the previous one stays in force")
    assert len(refusals) == len(mistakes) + 1
    assert all(line["cause"] and line["next_step"] and line["level"] == "error" for line in refusals)


async def test_what_needs_a_restart_is_named_and_the_rest_is_applied(server: Server) -> None:
    await server.open_viewer(await server.sign_in("kim"))
    write_config(server.folder, 'port = 1\nlocale = "en_US.UTF-8"\n')
    code, answer = await server.reload()
    assert (code, answer["applied"], answer["need_restart"]) == (0, ["locale"], ["port"])
    await server.everybody_works("on the previous port")
    assert (await server.reload())[1]["applied"] == [], "locale is in force already"
    [line] = server.log_lines("configuration reloaded")[:1]
    assert line["need_restart"] == ["port"]


async def test_sighup_reloads(server: Server) -> None:
    await server.open_viewer(await server.sign_in("kim"))
    write_config(server.folder, 'locale = "en_US.UTF-8"\n')
    server.process.send_signal(signal.SIGHUP)
    await server.wait_for(lambda: bool(server.log_lines("configuration reloaded")))
    assert server.log_lines("configuration reloaded")[0]["applied"] == ["locale"]
    await server.everybody_works("after SIGHUP")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", b"No server that can be reloaded is running"),
        ("nonsense", b"A running server keeps its previous configuration"),
    ],
)
async def test_reload_with_a_configuration_explains_why_it_does_nothing(
    tmp_path: Path, text: str, message: bytes
) -> None:
    write_config(tmp_path, text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "display_server.cli", "reload", "--config", str(tmp_path / "lightbox.toml")),
        stderr=asyncio.subprocess.PIPE,
        env=environment(tmp_path),
        cwd=ROOT,
    )
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert message in errors
