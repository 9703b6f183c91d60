"""certbot gets a certificate from an ACME server and renews it while people work (docs/certificates.md).

Both are the real programs of Debian. The ACME server is Pebble, which Let's Encrypt makes for tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import grp
import json
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2
from cryptography import x509

from display_server.authority.authority import provide_certificate
from tests.e2e.processes import free_port
from tests.fakes.gateway import make_web_client
from tests.integration.test_reload import PATIENCE_S, ROOT, Server, environment, running_server, write_config

HOOK = ROOT / "deploy" / "certificates" / "deploy-hook.sh"
NAME = "localhost"


@dataclass(frozen=True)
class AcmeServer:
    """A running ACME server. It asks port `http_port` of 127.0.0.1 for the answers to its challenges."""

    directory: str
    http_port: int
    own_root: Path  # certifies the server itself
    issuing_root: str  # PEM; certifies what it issues


@contextlib.asynccontextmanager
async def acme_server(folder: Path) -> AsyncIterator[AcmeServer]:
    tls = folder / "acme"
    tls.mkdir(mode=0o700)
    own = provide_certificate(tls, [NAME, "127.0.0.1"], datetime.datetime.now(datetime.UTC))
    port, management, http_port = free_port(), free_port(), free_port()
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(own.certificate),
        "privateKey": str(own.key),
        "httpPort": http_port,
        "tlsPort": http_port,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    # It validates at once, and each time; it would make clients try things again at random.
    variables = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", "PEBBLE_WFE_NONCEREJECT": "0"}
    log = folder / "pebble.log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *("pebble", "-config", str(folder / "pebble.json")),
            stdout=stream,
            stderr=stream,
            env={**environment(folder), **variables},
        )
    try:
        context = ssl.create_default_context(cadata=own.root_pem.decode())
        async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    assert process.returncode is None, log.read_text()
                    with contextlib.suppress(httpx2.TransportError):
                        root = await client.get(f"https://127.0.0.1:{management}/roots/0")
                        break
                    await asyncio.sleep(0.05)
        yield AcmeServer(f"https://127.0.0.1:{port}/dir", http_port, tls / "ca.crt", root.text)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class Certbot:
    """The commands of the documentation, with folders, a port and a reload command of this test."""

    def __init__(self, folder: Path, acme: AcmeServer) -> None:
        self._folders = [
            word
            for name in ("config", "work", "logs")
            for word in (f"--{name}-dir", str(folder / "certbot" / name))
        ]
        self._acme = acme
        self._environment: Mapping[str, str] = {
            **environment(folder),
            "REQUESTS_CA_BUNDLE": str(acme.own_root),
            "TLS_FOLDER": str(folder / "tls"),
            "TLS_GROUP": grp.getgrgid(os.getegid()).gr_name,
            "RELOAD_COMMAND": f"{sys.executable} -m display_server.cli reload --state {folder}/state",
        }

    async def request(self) -> None:
        await self._run(
            *("certonly", "--standalone", "--server", self._acme.directory, "--domain", NAME),
            *("--agree-tos", "--register-unsafely-without-email", "--deploy-hook", str(HOOK)),
            *("--http-01-address", "127.0.0.1", "--http-01-port", str(self._acme.http_port)),
        )

    async def renew(self) -> None:
        """Renews at once, and with what certbot remembers of the request, as its timer would do in weeks."""
        await self._run("renew", "--force-renewal", "--no-random-sleep-on-renew")

    async def _run(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *("certbot", *arguments, "--non-interactive", *self._folders),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
            cwd=ROOT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, output.decode()
        assert "reported error" not in output.decode(), "the hook has worked"


async def trusted(server: Server, root: str) -> x509.Certificate:
    """Returns the certificate that a browser gets which trusts the ACME server's root alone."""
    context = ssl.create_default_context(cadata=root)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname=NAME)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der)


async def test_a_certificate_from_an_acme_server_is_used_and_renewed_while_people_work() -> None:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        folder = Path(path)
        make_web_client(folder / "dist")
        write_config(folder, f'names = ["{NAME}"]\n')
        async with acme_server(folder) as acme, running_server(folder) as server:
            await server.open_viewer(await server.sign_in("kim"))
            certbot = Certbot(folder, acme)

            # The first certificate replaces that of the local authority.
            await certbot.request()
            files = {name: folder / "tls" / f"{name}.pem" for name in ("fullchain", "key")}
            tls = f'[tls]\ncertificate = "{files["fullchain"]}"\nkey = "{files["key"]}"\n'
            write_config(folder, f'names = ["{NAME}"]\n{tls}')
            code, answer = await server.reload()
            assert (code, answer["certificate_changed"]) == (0, True), answer
            first = await trusted(server, acme.issuing_root)
            assert first == x509.load_pem_x509_certificate(files["fullchain"].read_bytes())
            await server.everybody_works("with a certificate of the ACME server")

            # A renewal reloads the server by itself.
            await certbot.renew()
            second = await trusted(server, acme.issuing_root)
            assert second.serial_number != first.serial_number
            assert second == x509.load_pem_x509_certificate(files["fullchain"].read_bytes())
            await server.everybody_works("with a renewed certificate")
            assert files["key"].stat().st_mode & 0o777 == 0o640
