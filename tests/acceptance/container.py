"""Builds the image of deploy/Containerfile, and opens a desktop of the demo that runs in its container.

`python -m tests.acceptance.container [RELEASE]` builds the wheel and, with podman, the image on a base image
that is imported from debootstrap, `trixie` unless another release is named. Neither an image registry nor a
running engine is needed. The container is started by the command of docs/install.md: privileged, with a
published port. A browser of this host signs in and opens the radiology desktop, which is isolated. Without
`--privileged` the demo has to refuse to start and to say why. The exit code is 0 if all of this holds and the
desktop became *Exact*.

It needs root, debootstrap, podman, Chromium and the package registries. Images, mounts, networks, shared
memory and firewall rules are in a folder and in namespaces of this command, and end with it. Cgroups and the
folder of crun, which podman leaves, are removed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.acceptance.commands import REACHED
from display_server.spawner.runtime import CGROUPS, HYBRID_CGROUPS
from tests.acceptance.clean_install import build_wheel, open_desktop, ready_line, require_isolated
from tests.acceptance.clean_root import END_TIMEOUT_S, TRUSTED, clean_root
from tests.acceptance.command import exit_with, note, run_program
from tests.e2e.processes import Program

ROOT = Path(__file__).parents[2]
BASE, IMAGE = "localhost/clean-debian", "localhost/lightbox"
NAME = "lightbox-acceptance"
#: Where crun keeps what it knows of containers, in /run.
RUNTIME_STATE = "crun"
#: Flags of unshare(2).
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
#: How docs/install.md starts the container.
RUN = ("run", "--rm", "--init", "--publish", "127.0.0.1:8443:8443", "--shm-size", "1g")
#: Podman's own limits are higher than root may set on hosts where it lacks CAP_SYS_RESOURCE.
LIMITS = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
URL = "https://127.0.0.1:8443"
#: The command of the image, which prints its address for programs.
DEMO = ("lightbox", "demo", "--host", "0.0.0.0", "--json")
#: How long the demo may take to refuse to start, s.
REFUSAL_TIMEOUT_S = 180.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.container", description=__doc__)
    parser.add_argument("release", nargs="?", default="trixie")
    parser.add_argument("--screenshots", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if shutil.which("podman") is None:
        raise RuntimeError("podman is missing: apt install podman")
    if os.geteuid() != 0:
        raise RuntimeError("only root can start privileged containers: run this command as root")
    dist = build_wheel().parent
    enter_own_memory()
    with host_as_before(), engine() as podman:
        import_base(podman, arguments.release)
        build = ("build", "--isolation", "chroot", "--network", "host", "--layers=false")
        words = ("--build-arg", f"BASE={BASE}", "--tag", IMAGE, "--file", str(ROOT / "deploy/Containerfile"))
        run_program([*podman, *build, *words, str(dist)])
        note("the image is built")
        enter_own_network()
        with running_demo(podman, "--privileged") as (program, line):
            answer = ready_line(program, line)
            open_desktop("container", {**answer, "url": URL}, arguments.screenshots)
            require_isolated(processes_of(podman))
            note("the demo of the image is exact, and its desktop is isolated")
        require_refusal(podman)
    return REACHED


@contextlib.contextmanager
def host_as_before() -> Iterator[None]:
    """Removes what podman and crun leave on this host, unless it was there before."""
    run = os.open("/run", os.O_PATH | os.O_DIRECTORY)  # later another file system hides it
    former_state = Path("/run", RUNTIME_STATE).exists()
    former = set(cgroups_of_podman())
    try:
        yield
    finally:
        if not former_state:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(RUNTIME_STATE, dir_fd=run)
        os.close(run)
        for group in set(cgroups_of_podman()) - former:
            remove_cgroup(group)


def cgroups_of_podman() -> list[Path]:
    return [*CGROUPS.glob("libpod_parent"), *CGROUPS.glob("*/libpod_parent")]


def remove_cgroup(group: Path) -> None:
    """Removes a cgroup with those below it. Waits until their last processes have ended.

    Where cgroup v2 is not mounted here, podman has made plain folders and files in its place.
    """
    deadline_s = time.monotonic() + END_TIMEOUT_S
    for folder, _, files in os.walk(group, topdown=False):
        for file in files:
            with contextlib.suppress(PermissionError):  # a file of a cgroup, which goes with it
                Path(folder, file).unlink()
        while Path(folder).is_dir():
            try:
                Path(folder).rmdir()
            except OSError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.1)


def enter_own_memory() -> None:
    """Enters a mount namespace in which /dev/shm is empty: podman keeps its locks there, and leaves them."""
    enter_namespace(CLONE_NEWNS)
    run_program(["mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "tmpfs", "/dev/shm"])


def enter_namespace(flags: int) -> None:
    """Moves this process, and all that it starts from now on, into new namespaces."""
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run_program(["mount", "--make-rslave", "/"])


def enter_own_network() -> None:
    """Leaves the network of this host, so that the container's port and firewall rules are none of its own.

    What podman keeps in /run belongs to the new network. crun of Debian 12 refuses cgroup v1 beside v2.
    """
    enter_namespace(CLONE_NEWNS | CLONE_NEWNET)
    run_program(["ip", "link", "set", "lo", "up"])
    run_program(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    if HYBRID_CGROUPS.is_mount():
        run_program(["umount", str(HYBRID_CGROUPS)])


@contextlib.contextmanager
def engine() -> Iterator[list[str]]:
    """Yields the beginning of podman's command. Its images and containers are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lightbox-images-") as name:
        folders = ("--root", f"{name}/root", "--runroot", f"{name}/run", "--tmpdir", f"{name}/tmp")
        settings = ("--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--events-backend", "none")
        try:
            yield ["podman", *folders, *settings]
        finally:
            # Podman leaves a mount of its storage on itself.
            leave = ["umount", "--quiet", "--recursive", "--lazy", f"{name}/root/overlay"]
            subprocess.run(leave, check=False)


def import_base(podman: Sequence[str], release: str) -> None:
    """Creates the base image from a clean Debian. pip trusts the certificates that this host trusts."""
    with clean_root(release) as root, tempfile.TemporaryDirectory(prefix="lightbox-base-") as name:
        (root.folder / "etc/pip.conf").write_text(f"[global]\ncert = {TRUSTED}\n")
        archive = f"{name}/base.tar"
        pack = ("tar", "--create", "--numeric-owner", "--file", archive)
        run_program([*pack, "--directory", str(root.folder), "."])
        run_program([*podman, "import", archive, BASE])


@contextlib.contextmanager
def running_demo(podman: Sequence[str], *options: str) -> Iterator[tuple[Program, Path]]:
    """Starts the container. Yields the program and the file of what it prints."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        log, line = Path(name) / "demo.log", Path(name) / "ready.json"
        words = [*podman, *RUN, *LIMITS, "--name", NAME, *options, IMAGE, *DEMO]
        with line.open("wb") as output:
            program = Program(words, log=log, stdout=output)
        try:
            yield program, line
        finally:
            program.terminate()  # podman passes the signal on to the demo
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(END_TIMEOUT_S)
            program.stop()
            run_program([*podman, "rm", "--force", "--ignore", NAME])


def processes_of(podman: Sequence[str]) -> list[psutil.Process]:
    """Returns all processes of the container."""
    pid = int(run_program([*podman, "inspect", "--format", "{{.State.Pid}}", NAME]))
    return psutil.Process(pid).children(recursive=True)


def require_refusal(podman: Sequence[str]) -> None:
    """Asserts that the demo does not start without privileges, and says what is missing."""
    with running_demo(podman) as (program, line):
        code = program.wait(REFUSAL_TIMEOUT_S)
        text = program.log.read_text()
        assert code != 0, "it starts without --privileged"
        assert line.read_text() == ""
        assert "--privileged" in text, f"no word of --privileged:\n{text}"
    note("without --privileged it refuses to start, and says so")


if __name__ == "__main__":
    exit_with(main)
