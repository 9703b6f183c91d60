"""Types text into real programs and reads it back: GTK 3, Qt 5 and a plain X program."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from display_server.agent.input.xtest import XtestInput
from tests.fakes.x_server import XServer, x_server

ROOT = Path(__file__).parents[4]
PYTHON = "/usr/bin/python3"  # Debian's Python has the bindings of the toolkits
TIMEOUT_S = 90.0
#: More distinct syllables than spare keys, so that keys are bound anew while programs read the text.
MANY = "".join(chr(0xAC00 + 7 * n) for n in range(90))
TEXTS = ("Hello, World! aA1@~", "안녕하세요 뷁 €ß漢字🙂", MANY)
NAMES = ("latin", "mixed", "many")


@pytest.fixture(autouse=True)
def patient_spare_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves a program more time to read a spare key, because it is slow while the host is busy."""
    monkeypatch.setattr("display_server.agent.input.keyboard.SPARE_REST_S", 3.0)


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(640, 400, "-nocursor", "-r") as running:
        yield running


class Program:
    """A program on the X server, killed at the end of the `with` block."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


async def until(what: str, done: Callable[[], bool]) -> None:
    for _ in range(int(TIMEOUT_S / 0.02)):
        if done():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"timed out waiting for {what}")


async def type_into(server: XServer, text: str) -> XtestInput:
    device = XtestInput(server.display, None)
    await device.open()
    sink = device.open_session()
    sink.pointer(100, 20, 0)
    sink.pointer(100, 20, 1)
    sink.pointer(100, 20, 0)
    sink.text(text)
    return device


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
async def test_gtk_program_receives_the_text(server: XServer, text: str) -> None:
    log = server.folder / "log"
    log.touch()
    probe = ROOT / "tests" / "e2e" / "x_desktop" / "gtk_probe.py"
    with Program([PYTHON, str(probe), str(log), "0", "0"], server.environment):
        await until("the program", lambda: '"ready"' in log.read_text())
        device = await type_into(server, text)

        def read_back() -> bool:
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            return [line["text"] for line in lines if line["kind"] == "text"][-1:] == [text]

        await until("the text", read_back)
        await device.close()


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
async def test_qt_program_receives_the_text(server: XServer, text: str) -> None:
    log = server.folder / "log"
    log.touch()
    script = ROOT / "tests" / "fakes" / "qt_entry.py"
    environment = server.environment | {"XDG_RUNTIME_DIR": str(server.folder)}
    with Program([PYTHON, str(script), str(log)], environment):
        await until("the program", lambda: "ready" in log.read_text())
        device = await type_into(server, text)
        await until("the text", lambda: log.read_text().splitlines()[-1] == f"text {text}")
        await device.close()


async def test_plain_x_program_receives_the_text(server: XServer) -> None:
    out = server.folder / "out"
    text = "".join(TEXTS).replace("🙂", "")
    command = ["xterm", "-u8", "-e", "sh", "-c", f"echo > {out}.ready; cat > {out}"]
    with Program(command, server.environment | {"LC_ALL": "C.UTF-8"}):
        await until("the program", Path(f"{out}.ready").exists)
        device = await type_into(server, text + "\n")
        await until("the text", lambda: out.exists() and out.read_text() == text + "\n")
        await device.close()
