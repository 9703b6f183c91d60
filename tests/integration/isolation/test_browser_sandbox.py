"""Browsers in an isolated desktop whose profile names one: their own sandbox is on, with policies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from display_server.broker.container_processes import container_processes
from display_server.desktop.profiles.profile import load
from display_server.spawner import layout
from display_server.spawner.messages import Limits
from display_server.supervisor.children import PROGRAM_NICENESS
from tests.integration.isolation.worlds import (
    PATIENCE_S,
    BackgroundLoop,
    IsolatedWorld,
    base_folder,
    wait_for,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: What a browser needs, and no more.
LIMITS = Limits(memory_mb=3072, processes=1000, temporary_mb=256)
#: Namespaces in which a process that shows a page is alone or among its like.
SANDBOX_NAMESPACES = ("user", "pid", "net")
FILTERED = "2"
#: Chromium itself calls one of its own processes `--no-zygote-sandbox`: it forks those for graphics.
WITHOUT_SANDBOX = re.compile(r"--no-sandbox|--disable-\S*sandbox")


#: A web server on the loopback interface of the desktop, which prints its port and then each request.
PORTAL = """
import http.server, sys
sys.stderr = sys.stdout
server = http.server.ThreadingHTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port)
server.serve_forever()
"""


@dataclass(frozen=True)
class Process:
    """A process of a desktop, as the host sees it."""

    pid: int
    command: str
    namespaces: dict[str, str]
    #: The line of /proc/PID/status with this name.
    status: dict[str, str]


def processes(world: IsolatedWorld) -> list[Process]:
    found = []
    for pid in container_processes().get(world.specs["kim"].session, {}).values():
        folder = Path(f"/proc/{pid}")
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            namespaces = {name: str((folder / "ns" / name).readlink()) for name in SANDBOX_NAMESPACES}
            lines = (folder / "status").read_text().splitlines()
        except OSError:
            continue  # it has ended
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        found.append(Process(pid, command, namespaces, status))
    return found


@pytest.fixture(scope="module")
def browser_world() -> Iterator[IsolatedWorld]:
    loop = BackgroundLoop()
    with base_folder() as base:
        world = IsolatedWorld(loop, base, limits=LIMITS)
        try:
            world.start("kim", "browser")
            yield world
        finally:
            world.close()
            loop.close()


def sandboxed(world: IsolatedWorld, pattern: str) -> list[Process]:
    """Waits for processes that show pages, and that have entered their sandbox."""

    def found() -> list[Process]:
        own = next(process for process in processes(world) if "catatonit" in process.command)
        return [
            process
            for process in processes(world)
            if re.search(pattern, process.command)
            and int(process.status["Seccomp_filters"]) > int(own.status["Seccomp_filters"])
        ]

    return wait_for(found, f"a process with a filter of its own and {pattern!r} in its command line")


def assert_sandboxed(world: IsolatedWorld, shown: list[Process], *namespaces: str) -> None:
    own = next(process for process in processes(world) if "catatonit" in process.command)
    for process in shown:
        assert process.status["Seccomp"] == FILTERED
        assert process.status["NoNewPrivs"] == "1"
        assert int(process.status["CapEff"], 16) == 0
        for name in namespaces:
            assert process.namespaces[name] != own.namespaces[name], f"{name} of {process.command}"
    assert not [p.command for p in processes(world) if WITHOUT_SANDBOX.search(p.command)]


def test_chromium_shows_pages_in_a_sandbox_of_its_own(browser_world: IsolatedWorld) -> None:
    assert_sandboxed(browser_world, sandboxed(browser_world, "--type=renderer"), *SANDBOX_NAMESPACES)


def test_the_policies_of_the_profile_are_in_force(browser_world: IsolatedWorld) -> None:
    """As Chromium reads them; no program can change the file."""
    file = "/etc/chromium/policies/managed/00-lightbox.json"
    done = browser_world.run("kim", ["cat", file])
    policies = json.loads(done.stdout)
    browser = load("browser").browser
    assert browser is not None
    assert policies["HomepageLocation"].endswith("/settings/browser-start.html")
    assert not policies["PasswordManagerEnabled"]
    for path in (file, f"{layout.POLICIES_FOLDER}/{layout.CHROMIUM_POLICIES}"):
        for command in (["sh", "-c", f"echo x >> {path}"], ["rm", path], ["mv", path, "/tmp/x"]):
            assert browser_world.run("kim", command).returncode != 0
    assert json.loads(browser_world.run("kim", ["cat", file]).stdout) == policies
    # Chromium shows no page of its own for a command line, but the start page, which the policies name.
    assert "This desktop has no home page yet" in run_browser(browser_world, "chrome://sandbox")


@pytest.mark.parametrize("browser", ["chromium", "firefox-esr"])
def test_browsers_fetch_pages_although_they_learn_nothing_about_the_network(
    browser_world: IsolatedWorld, browser: str
) -> None:
    """They may open no Netlink socket, and take the network for available."""
    with browser_world.program("kim", [sys.executable, "-u", "-c", PORTAL]) as portal:
        try:
            assert portal.stdout is not None
            address = f"http://localhost:{portal.stdout.readline().strip()}/"
            profile = f"/tmp/{browser}"
            arguments = {
                "chromium": ["chromium", "--headless", f"--user-data-dir={profile}", "--dump-dom", address],
                "firefox-esr": ["firefox-esr", "--headless", "--no-remote", "--profile", profile, address],
            }[browser]
            browser_world.run("kim", ["mkdir", profile])
            with browser_world.program("kim", arguments) as running:
                assert "GET /" in portal.stdout.readline()
                end(browser_world, profile)
                running.communicate(timeout=PATIENCE_S)
        finally:
            end(browser_world, "http.server")
            portal.communicate(timeout=PATIENCE_S)


def end(world: IsolatedWorld, part: str) -> None:
    """Kills the processes of the desktop whose command line contains a text."""
    for process in processes(world):
        if part in process.command:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def test_firefox_shows_pages_in_a_sandbox_of_its_own(browser_world: IsolatedWorld) -> None:
    arguments = [
        "env",
        "DISPLAY=:0",
        f"XAUTHORITY={layout.PROGRAM_AUTHORITY}",
        *("firefox-esr", "--no-remote", "about:blank"),
    ]
    with browser_world.program("kim", arguments) as firefox:
        try:
            shown = sandboxed(browser_world, "-contentproc .* tab$|-contentproc.* tab ")
            assert_sandboxed(browser_world, shown, "user", "net")
        finally:
            end(browser_world, "firefox")
            firefox.communicate(timeout=PATIENCE_S)


def run_browser(world: IsolatedWorld, address: str) -> str:
    """Returns the document that a Chromium of the desktop makes of an address."""
    arguments = ["chromium", "--headless", "--user-data-dir=/tmp/page", "--dump-dom", address]
    with world.program("kim", arguments) as process:
        try:
            output, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return output


def test_programs_yield_to_the_display(browser_world: IsolatedWorld) -> None:
    """Where they compute without end, X server and agent still answer the person."""
    niceness = {
        process.command.split()[0]: os.getpriority(os.PRIO_PROCESS, process.pid)
        for process in processes(browser_world)
        if process.command.startswith(("Xvfb", "openbox"))
    }
    assert niceness["openbox"] - niceness["Xvfb"] == PROGRAM_NICENESS
