"""Kills a part of Lightbox while a person types and scrolls on an isolated desktop.

`python -m tests.acceptance.killed_parts gateway|broker|supervisor|spawner|agent [--times 20]` prints the
longest time in s until the page called *exact* what was drawn after the kill, as `value: …`. The bar also
demands that all programs of the desktop go on, and that no keystroke is applied twice. If the server does not
go on by itself, it is started again at once, as a service manager does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import string
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.acceptance.command import exit_with, note, report
from tests.acceptance.marker import MARKER_PX, SAMPLE_MS, Marker
from tests.acceptance.timeline import Sample, exact_again_after, typed_twice_or_out_of_order
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.conftest import PAGE_PX, PROBE_AT
from tests.e2e.containers import module_process, processes_in
from tests.e2e.lightbox import Lightbox
from tests.e2e.processes import wait_for
from tests.e2e.stopped_parts import gateway_pid
from tests.e2e.viewer import PATIENCE_S, SURFACE, Viewer
from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.probe import Probe

PARTS = ("gateway", "broker", "supervisor", "spawner", "agent")
#: Programs of this profile are those of an office desktop, from the window manager to a terminal.
PROFILE = "office"
#: Typed in this order, each once in a run.
KEYS = string.ascii_lowercase + string.digits
#: A key that is typed until the desktop takes it: then all input before it was applied or dropped.
LATER = "."
#: Interval between two keys, s. A notch of the wheel follows each.
KEY_S = 0.1
#: Number of keys before the kill; later runs add up to MORE_KEYS, so that the kill meets different moments.
KEYS_BEFORE, MORE_KEYS = 8, 5
#: Interval at which LATER is typed, s.
RETRY_S = 0.2
#: How long the programs of a new desktop may take until they have all started, s.
SETTLE_S = 5.0
#: Samples badge and marker like `marker.SAMPLE`, but finds the canvas anew, which a reconnection may replace.
SAMPLE = f"""
    globalThis.samples = [];
    globalThis.sampling = setInterval(() => {{
        const badge = document.querySelector("[data-badge]")?.dataset.state ?? "";
        const connected = document.documentElement.dataset.connection === "connected";
        const context = {SURFACE}?.getContext("2d");
        const [red, green, blue] = context?.getImageData(
            {MARKER_PX[0] + MARKER_PX[2] // 2}, {MARKER_PX[1] + MARKER_PX[3] // 2}, 1, 1).data ?? [0, 0, 0];
        samples.push([Date.now() / 1000, connected ? badge : "", red << 16 | green << 8 | blue]);
    }}, {SAMPLE_MS});
"""
READ_SAMPLES = "clearInterval(sampling); return samples"


@dataclass(frozen=True, slots=True)
class Running:
    """An isolated desktop that a browser shows."""

    lightbox: Lightbox
    viewer: Viewer
    display: XDisplay
    probe: Probe
    init_pid: int  # PID 1 of the container
    #: Starts the server again. Its thread lives as long as the server, which is killed when the thread ends.
    starter: ThreadPoolExecutor

    def programs(self) -> dict[int, str]:
        """Returns the processes of the desktop except supervisor and agent, by their pids on this host."""
        found = {}
        for process in processes_in(self.init_pid):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended, or is a zombie
                if not any(word.startswith("display_server.") for word in process.cmdline()):
                    found[process.pid] = process.name()
        return found

    def part(self, name: str) -> psutil.Process:
        match name:
            case "gateway":
                return psutil.Process(gateway_pid(self.lightbox))
            case "broker":
                return spawner_of(self.lightbox).parents()[0]
            case "spawner":
                return spawner_of(self.lightbox)
            case _:
                return module_process(self.init_pid, f"display_server.{name}")


@dataclass(frozen=True, slots=True)
class Outcome:
    exact_s: float
    programs_go_on: bool
    typed_once: bool


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.killed_parts", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with running_desktop() as running:
        outcomes = [run(running, arguments.part, number) for number in range(arguments.times)]
    alive = sum(outcome.programs_go_on for outcome in outcomes)
    once = sum(outcome.typed_once for outcome in outcomes)
    note(
        f"{arguments.part}: programs alive {alive}/{len(outcomes)}, no keystroke twice {once}/{len(outcomes)}"
    )
    longest_s = max(outcome.exact_s for outcome in outcomes)
    return report(f"killed-{arguments.part}", longest_s, also=alive == once == len(outcomes))


@contextlib.contextmanager
def running_desktop() -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        settings = {"LIGHTBOX_ISOLATION_ENABLED": "true"}
        starter = stack.enter_context(ThreadPoolExecutor(1))
        lightbox = Lightbox(folder / "lightbox.log", profile=PROFILE, patience=1, settings=settings)
        stack.callback(lightbox.stop)
        browser = Chromium(folder, width_px=PAGE_PX[0], height_px=PAGE_PX[1])
        stack.callback(browser.close)
        viewer = Viewer(browser, lightbox.url)
        viewer.sign_in(lightbox.username, lightbox.password)
        viewer.open_desktop(PROFILE)
        display = lightbox.display()
        stack.callback(display.close)
        probe = Probe(display, folder, x=PROBE_AT[0], y=PROBE_AT[1])
        stack.callback(probe.stop)
        viewer.click(probe.entry)
        init_pid = next(process for process in container_of(lightbox) if process.name() == "catatonit").pid
        time.sleep(SETTLE_S)
        yield Running(lightbox, viewer, display, probe, init_pid, starter)


def run(running: Running, part: str, number: int) -> Outcome:
    """Types and scrolls, kills the part meanwhile, and waits until the desktop takes input again."""
    viewer, probe = running.viewer, running.probe
    viewer.wait_exact()
    probe.reset()
    viewer.click(probe.entry)
    viewer.move(probe.area)  # the keyboard's focus stays in the entry, and the wheel turns above the area
    before = running.programs()
    process = running.part(part)
    marker = Marker(running.display, grab=False)
    marker.start()
    try:
        viewer.browser.evaluate(SAMPLE)
        killed_s = type_and_kill(running, process, KEYS_BEFORE + number % MORE_KEYS)
        wait_until_typed(running)
        wait_for(
            lambda: exact_again(running, marker, killed_s) is not None,
            timeout_s=PATIENCE_S,
            what=viewer.situation,
        )
        exact_s = exact_again(running, marker, killed_s)
        assert exact_s is not None
        viewer.browser.evaluate(READ_SAMPLES)
    finally:
        marker.stop()
    ended = {pid: name for pid, name in before.items() if pid not in running.programs()}
    text = probe.text().replace(LATER, "")
    wrong = typed_twice_or_out_of_order(KEYS, text)
    note(
        f"{part}: exact after {exact_s:.3f} s, {len(text)} of {len(KEYS)} keys typed"
        f"{f', twice or out of order: {wrong!r}' if wrong else ''}{f', ended: {ended}' if ended else ''}"
    )
    return Outcome(exact_s, not ended, not wrong)


def type_and_kill(running: Running, process: psutil.Process, keys_before: int) -> float:
    """Types all keys, and kills the process after some of them. Returns when, s since 1970."""
    viewer = running.viewer
    killed_s = 0.0
    starting: Future[None] | None = None
    due_s = time.monotonic()
    for count, key in enumerate(KEYS):
        if count == keys_before:
            killed_s = time.time()
            os.kill(process.pid, signal.SIGKILL)
            starting = running.starter.submit(start_again, running.lightbox, process)
        viewer.browser.tap(key)
        viewer.wheel(running.probe.area, 1 if count % 2 else -1)
        due_s += KEY_S
        time.sleep(max(0.0, due_s - time.monotonic()))
    assert starting is not None
    starting.result()
    return killed_s


def start_again(lightbox: Lightbox, process: psutil.Process) -> None:
    """Starts the server again if it has ended with the process that was killed."""
    if process.pid == lightbox.program.pid:
        lightbox.program.wait(PATIENCE_S)
    if not lightbox.program.running:
        lightbox.start_again()


def wait_until_typed(running: Running) -> None:
    def taken() -> bool:
        running.viewer.browser.tap(LATER)
        time.sleep(RETRY_S)
        return LATER in running.probe.text()

    wait_for(taken, timeout_s=PATIENCE_S, what=running.viewer.situation)


def exact_again(running: Running, marker: Marker, killed_s: float) -> float | None:
    recorded = running.viewer.browser.evaluate("return samples")
    samples = [Sample(at_s, badge, colour) for at_s, badge, colour in recorded]
    return exact_again_after(samples, marker.drawn, killed_s)


def spawner_of(lightbox: Lightbox) -> psutil.Process:
    return next(child for child in lightbox.program.family() if "display_server.spawner" in child.cmdline())


def container_of(lightbox: Lightbox) -> list[psutil.Process]:
    return processes_in(lightbox.session().x_server_pid)


if __name__ == "__main__":
    exit_with(main)
