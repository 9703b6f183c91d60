"""Changes everything that an operator can change while 20 people work in desktops of their own.

`python -m tests.acceptance.reload_losses [--viewers 20] [--no-isolation]`. `lightbox serve` gets another
certificate, then others may open the desktop, then other settings; each by `lightbox reload` or SIGHUP.
The people type all the time. The value is the number of viewers that were dropped and of desktops that
ended. It counts only if each change took effect and every person goes on seeing what they type.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from display_server.authority.authority import provide_certificate
from display_server.broker.accounts import Accounts
from display_server.broker.folders import StateFolder
from display_server.broker.passwords import Passwords
from display_server.broker.running_desktops import running_desktops
from display_server.broker.store import Store
from tests.acceptance.command import exit_with, note, report, run_program
from tests.acceptance.working_viewers import Gateway, WorkingViewer
from tests.e2e.lightbox import COMMAND, ROOT
from tests.e2e.processes import free_port

PASSWORD = "correct horse battery"
DESKTOP = "office"
NAMES = ["localhost", "127.0.0.1", "::1"]
#: How long a server may take to start, to end and to reload, s.
SERVER_TIMEOUT_S = 120.0
#: How long a person may have to wait for what they typed, s.
SEEN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and the folder with its configuration and state."""

    folder: Path
    port: int
    people: tuple[str, ...]
    isolated: bool
    process: asyncio.subprocess.Process

    async def reload(self) -> list[str]:
        """Runs `lightbox reload` and returns the settings that it applied. Raises RuntimeError."""
        done = await asyncio.to_thread(
            subprocess.run,
            [*COMMAND, "reload", "--state", str(self.folder / "state"), "--json"],
            capture_output=True,
            text=True,
            env=environment(self.folder),
            cwd=ROOT,
            timeout=SERVER_TIMEOUT_S,
        )
        if done.returncode != 0:
            raise RuntimeError(f"`lightbox reload` failed: {done.stdout} {done.stderr}")
        (answer,) = json.loads(done.stdout)
        applied: list[str] = answer["applied"]
        return applied

    async def certificate(self) -> bytes:
        """Returns the certificate that a new connection gets."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=Gateway(self.port).context)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = connection.getpeercert(binary_form=True)
        writer.close()
        assert der is not None
        return der

    def desktops(self) -> dict[str, tuple[int, int]]:
        """Returns the X server and the agent of each desktop that is ready."""
        return {
            found["id"]: (found["pids"]["x_server"], found["pids"]["agent"])
            for found in running_desktops(self.folder / "state")
            if found["state"] == "ready"
        }


def write_config(
    folder: Path, port: int, people: Sequence[str], *, isolated: bool, more: str = "", tables: str = ""
) -> None:
    users = ", ".join(f'"{person}"' for person in people)
    path = folder / "lightbox.toml"
    path.write_text(
        f'state = "{folder}/state"\nport = {port}\n{more}\n'
        f"[isolation]\nenabled = {str(isolated).lower()}\n[screen_lock]\nafter_minutes = 120\n{tables}\n"
        f'[[desktops]]\nname = "{DESKTOP}"\nprofile = "office"\nsize = "1280x720"\nusers = [{users}]\n'
    )
    path.chmod(0o600)


def environment(folder: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LIGHTBOX_")}
    return {**ours, "XDG_RUNTIME_DIR": str(folder)}


@asynccontextmanager
async def running_server(folder: Path, people: tuple[str, ...], *, isolated: bool) -> AsyncIterator[Server]:
    """Runs `lightbox serve` with an account for each person."""
    port = free_port()
    write_config(folder, port, people, isolated=isolated)
    store = await Store.open(StateFolder.open(folder / "state").database)
    passwords = Passwords()
    try:
        for person in (*people, "other"):
            await Accounts(store, passwords).add(person, PASSWORD)
    finally:
        passwords.close()
        await store.close()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "display_server.cli", "serve"),
            *("--config", str(folder / "lightbox.toml"), "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=environment(folder),
            cwd=ROOT,
        )
    assert process.stdout is not None
    try:
        if not await asyncio.wait_for(process.stdout.readline(), SERVER_TIMEOUT_S):
            raise RuntimeError(f"the server did not start:\n{(folder / 'log').read_text()[-2000:]}")
        yield Server(folder, port, people, isolated, process)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), SERVER_TIMEOUT_S)
        # Isolated desktops outlive the server.
        await asyncio.to_thread(
            run_program,
            [*COMMAND, "sessions", "end", "--all", "--state", str(folder / "state")],
            timeout_s=SERVER_TIMEOUT_S,
            env=environment(folder),
        )


async def measure(viewers: int, *, isolated: bool) -> tuple[int, bool]:
    """Returns how many viewers and desktops were lost, and whether every change took effect."""
    people = tuple(f"person{number}" for number in range(viewers))
    with tempfile.TemporaryDirectory(prefix="lb") as name:
        async with running_server(Path(name), people, isolated=isolated) as server:
            gateway = Gateway(server.port)
            working: list[WorkingViewer] = []
            try:
                for person in people:
                    viewer = WorkingViewer(gateway, await gateway.sign_in(person, PASSWORD), DESKTOP)
                    await viewer.start()
                    working.append(viewer)
                before = server.desktops()
                note(f"{len(working)} people work in {len(before)} desktops")
                if not await everybody_sees(working):
                    raise RuntimeError("a person did not see what they typed before anything was changed")
                effective = await change_everything(server, gateway, working)
                after = server.desktops()
            finally:
                for viewer in working:
                    await viewer.stop()
    dropped = sum(viewer.dropped for viewer in working)
    ended = sum(after.get(session) != pids for session, pids in before.items())
    note(f"{dropped} viewers were dropped, {ended} desktops ended")
    return dropped + ended, effective and len(before) == viewers


async def change_everything(server: Server, gateway: Gateway, working: Sequence[WorkingViewer]) -> bool:
    """Returns whether each change took effect and everybody saw what they typed after it."""
    folder, effective = server.folder, True
    own = folder / "own"
    own.mkdir(mode=0o700)
    local = provide_certificate(own, NAMES, datetime.datetime.now(datetime.UTC))
    tls = f'[tls]\ncertificate = "{local.certificate}"\nkey = "{local.key}"\n'

    former = await server.certificate()
    write_config(folder, server.port, server.people, isolated=server.isolated, tables=tls)
    await server.reload()
    effective &= await succeeded("certificate", await server.certificate() != former, working)

    people = (*server.people[1:], "other")
    write_config(folder, server.port, people, isolated=server.isolated, tables=tls)
    await server.reload()
    other = await gateway.sign_in("other", PASSWORD)
    names = [found["name"] for found in (await other.get("/api/v1/desktops")).json()]
    effective &= await succeeded("entitlement", names == [DESKTOP], working)

    write_config(
        folder,
        server.port,
        people,
        isolated=server.isolated,
        more='names = ["localhost"]\ntrusted_proxies = ["192.0.2.1"]',
        tables=f"{tls}[sign_in]\nabsolute_hours = 12\n[video]\nmax_mbps = 10\n",
    )
    applied = await server.reload()
    expected = {"names", "trusted_proxies", "sign_in.absolute_hours", "video.max_mbps"}
    effective &= await succeeded("settings", expected <= set(applied), working)

    write_config(folder, server.port, people, isolated=server.isolated, tables=tls)
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(SERVER_TIMEOUT_S):
        while (folder / "log").read_text().count('"configuration reloaded"') < 4:  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.1)
    effective &= await succeeded("SIGHUP", True, working)
    return effective


async def succeeded(what: str, changed: bool, working: Sequence[WorkingViewer]) -> bool:
    seen = await everybody_sees(working)
    note(f"{what}: {'changed' if changed else 'NOT changed'}, everybody sees their keys: {seen}")
    return changed and seen


async def everybody_sees(working: Sequence[WorkingViewer]) -> bool:
    return all(await asyncio.gather(*(viewer.sees_its_keys(SEEN_TIMEOUT_S) for viewer in working)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.reload_losses", description=__doc__)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--no-isolation", action="store_true")
    arguments = parser.parse_args()
    losses, effective = asyncio.run(measure(arguments.viewers, isolated=not arguments.no_isolation))
    return report("reload-losses", losses, also=effective)


if __name__ == "__main__":
    exit_with(main)
