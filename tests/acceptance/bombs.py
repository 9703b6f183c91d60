"""Measures click → canvas on one isolated desktop while a program uses up everything that another one has.

`python -m tests.acceptance.bombs [--rounds 3] [--clicks 100] [--bomb NAME …]`. Each round measures the quiet
host, and then each bomb of `tests/integration/isolation/bombs.py` in turn, with default limits of desktops.
The value is the largest 95th percentile under a bomb, divided by that of the quiet host. The browser runs on
the same host.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.cases.case import Bench, Effort
from benchmarks.cases.click import click
from benchmarks.content.player import ContentPlayer
from benchmarks.driver.browser import chromium
from benchmarks.peers.subject import Running
from benchmarks.report.results import quantile
from display_server.spawner import layout
from display_server.spawner.runtime import Runtime, choose_runtime
from display_server.supervisor.children import PROGRAM_NICENESS
from tests.acceptance.command import exit_with, note, report
from tests.e2e.gateway_client import GatewayClient
from tests.e2e.lightbox import Lightbox
from tests.integration.isolation.bombs import BOMBS

#: As large as slices of the content need.
WIDTH_PX, HEIGHT_PX = 1920, 1080
#: The desktop that is measured, and the one in which bombs run.
MEASURED, BOMBED = "blank", "check"
QUIET = "quiet"
#: The person of the demo.
DEMO = "demo"
PROGRAM = Path(__file__).parent.parent / "integration/isolation/bombs.py"
#: How long a bomb works before clicks are measured, and how long the host rests after it, ms.
SETTLE_MS = 2000
#: How long a bomb may take to end, s.
END_TIMEOUT_S = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.bombs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clicks", type=int, default=100, help="clicks of each measurement")
    parser.add_argument("--bomb", action="append", choices=list(BOMBS), help="only this one; may be repeated")
    arguments = parser.parse_args()
    latencies_ms: dict[str, list[float]] = defaultdict(list)
    with desktops(arguments.clicks) as (bench, spawner, session):
        for number in range(arguments.rounds):
            for name in (QUIET, *(arguments.bomb or BOMBS)):
                found = measure(bench, spawner, session, name)
                latencies_ms[name] += found
                note(f"round {number + 1}, {name}: {describe(found)}")
    quiet_ms = quantile(latencies_ms.pop(QUIET), 0.95)
    ratios = {name: quantile(values, 0.95) / quiet_ms for name, values in latencies_ms.items()}
    for name, ratio in ratios.items():
        note(f"{name}: p95 is {ratio:.2f} times {quiet_ms:.1f} ms")
    return report("bomb-click", max(ratios.values()))


def measure(bench: Bench, spawner: Path, session: str, name: str) -> list[float]:
    """Returns the latencies of clicks, ms."""
    if name == QUIET:
        bench.pause(SETTLE_MS)
        return click(bench).series["latency_ms"]
    with bomb(spawner, session, name):
        bench.pause(SETTLE_MS)
        return click(bench).series["latency_ms"]


@contextmanager
def bomb(spawner: Path, session: str, name: str) -> Iterator[None]:
    """Runs a bomb in a desktop, as a program of the person."""
    supervisor = json.loads((spawner / "bundles" / session / "process.json").read_text())
    home = layout.home_folder(DEMO)
    process = {
        "terminal": False,
        "user": {"uid": layout.PERSON_ID, "gid": layout.PERSON_ID, "umask": 0o077},
        "args": ["nice", "-n", str(PROGRAM_NICENESS), sys.executable, "-c", PROGRAM.read_text(), name],
        "env": [
            "PATH=/usr/bin:/bin",
            f"HOME={home}",
            "DISPLAY=:0",
            f"XAUTHORITY={layout.PROGRAM_AUTHORITY}",
        ],
        "cwd": "/tmp",
        "capabilities": {},
        "noNewPrivileges": True,
        "rlimits": supervisor["rlimits"],
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(process))
        file.flush()
        running = subprocess.Popen(
            Runtime(choose_runtime(), spawner / "runtime").command("exec", "--process", file.name, session),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            if running.stdout.readline() != "bombing\n":
                raise RuntimeError(f"{name} did not start")
            yield
        finally:
            running.stdin.close()
            running.wait(END_TIMEOUT_S)
            running.stdout.close()


@contextmanager
def desktops(clicks: int) -> Iterator[tuple[Bench, Path, str]]:
    """Runs two isolated desktops. Yields what measures the first, the spawner's folder, and the session of
    the second."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="acceptance-")))
        log = folder / "lightbox.log"
        log.write_bytes(b"")
        lightbox = Lightbox(
            log,
            profile=MEASURED,
            width_px=WIDTH_PX,
            height_px=HEIGHT_PX,
            patience=1,
            settings={"LIGHTBOX_ISOLATION_ENABLED": "true"},
        )
        stack.callback(lightbox.stop)
        client = stack.enter_context(closing(GatewayClient(lightbox.url, state=lightbox.state_folder)))
        client.sign_in(lightbox.username, lightbox.password)
        client.http.post(f"/api/v1/desktops/{BOMBED}/viewers").raise_for_status()
        bombed = lightbox.session(BOMBED)
        desktop = next(found for found in lightbox.sessions() if found["id"] == bombed.id)
        spawner = Path(desktop["folder"]).parents[1]

        session = lightbox.session()
        player = stack.enter_context(ContentPlayer(session.display, session.xauthority))
        browser = stack.enter_context(chromium())
        surface = browser.surface(WIDTH_PX, HEIGHT_PX)
        surface.page.goto(lightbox.url)
        surface.page.fill("input[name=username]", lightbox.username)
        surface.page.fill("input[name=password]", lightbox.password)
        surface.page.click("[type=submit]")
        surface.page.wait_for_selector("a[href^='/desktop/']")
        surface.page.goto(f"{lightbox.url}/desktop/{MEASURED}", wait_until="commit")
        surface.wait(WIDTH_PX, HEIGHT_PX)
        running = Running(
            display=session.display,
            xauthority=session.xauthority,
            port=lightbox.port,
            pids=lambda: {"agent": [session.agent_pid], "x_server": [session.x_server_pid]},
            enter=lambda page: None,
            prepare_open=lambda page: lambda: None,
            facts={},
        )
        yield Bench(running, browser, surface, player, Effort(clicks=clicks)), spawner, bombed.id


def describe(latencies_ms: list[float]) -> str:
    values = " ".join(f"p{percent} {quantile(latencies_ms, percent / 100):.1f}" for percent in (50, 95))
    return f"{values} ms, {len(latencies_ms)} clicks"


if __name__ == "__main__":
    exit_with(main)
