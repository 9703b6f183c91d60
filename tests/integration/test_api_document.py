"""The commands of docs/api.md work as they are written there."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

from display_server.broker.api_tokens import ApiTokens
from display_server.broker.scopes import FOR_PEOPLE, Scope
from tests.fakes.administration import administration

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


async def test_the_examples_work() -> None:
    assert len(EXAMPLES) >= 6
    with tempfile.TemporaryDirectory(prefix="lb") as name:
        folder = Path(name)
        async with administration(folder, served=True) as found:
            services = found.gateway.services
            await found.session_of("lee")
            scopes = set(Scope) - FOR_PEOPLE
            _, token = await ApiTokens(services.store).create("document", scopes, expires_days=1)
            root = folder / "ca.crt"
            root.write_bytes(found.gateway.gateway.settings.root_pem or b"")
            environment = {
                "PATH": os.environ["PATH"],
                "LIGHTBOX": found.gateway.url,
                "TOKEN": token,
                "CURL_CA_BUNDLE": str(root),
            }
            for example in EXAMPLES:
                process = await asyncio.create_subprocess_exec(
                    *("sh", "-e", "-c", example),
                    env=environment,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                )
                output, errors = await process.communicate()
                assert process.returncode == 0, f"{example}\n{errors.decode()}"
                assert output.startswith(b"{") or "message" in example, example
            lee = await found.gateway.sign_in("lee")
            (message,) = (await lee.get("/api/v1/messages")).json()
            assert message["text"] == "Please save your work and sign out by 18:00."


def test_the_document_names_every_scope() -> None:
    text = DOCUMENT.read_text()
    known = [scope.value for scope in Scope if scope not in FOR_PEOPLE]
    later = ("devices.", "policies.")  # their documents describe them
    missing = [name for name in known if f"`{name}`" not in text and not name.startswith(later)]
    assert missing == []


def test_the_document_explains_the_codes() -> None:
    text = DOCUMENT.read_text()
    codes = ("bad-token", "no-role", "not-permitted", "step-up-due", "refused")
    assert [code for code in codes if f"`{code}`" not in text] == []
