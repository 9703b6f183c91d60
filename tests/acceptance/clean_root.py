"""A clean Debian: the base system of a release in a folder, in which commands run as on a host of its own.

It shares the network with this host, so that a browser of this host reaches what listens in it, and the
kernel with its devices and cgroups, in the version that this host has. Processes, file systems, /run and
/dev/shm are its own. `debootstrap` needs root and Debian's mirror.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.acceptance.command import note
from tests.e2e.processes import Program

#: Base systems that were made before; they save a mirror some hundred requests for each run.
CACHE = Path(__file__).parents[2] / ".cache" / "clean-roots"
#: How long a command may run, s: an installation over a slow link takes minutes.
COMMAND_TIMEOUT_S = 1800.0
#: Certificates that this host trusts, which a mirror behind a company's proxy may need.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
#: Where the clean Debian finds them.
TRUSTED = "/etc/lightbox-test-certificates.crt"
#: Mounts what a host has, below the root $1, and runs the other arguments there. The folder becomes the root
#: of the mount namespace: after chroot(2) the kernel refuses user namespaces, which isolated desktops need.
#: The first process stays a shell, as no program expects to be process 1. The mounts and all processes end
#: with it.
ENTER = """
set -eu
root=$1; shift
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
cd "$root"
pivot_root . mnt
cd /
umount --lazy /mnt
code=0
"$@" || code=$?
exit "$code"
"""
#: How long a command may take to end when it is asked to, s.
END_TIMEOUT_S = 60.0


class CleanRoot:
    """The base system of one Debian release."""

    def __init__(self, folder: Path, release: str) -> None:
        self.folder = folder
        self.release = release

    def words(self, *words: str) -> list[str]:
        """Returns the command of this host that runs `words` in the clean Debian."""
        new = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
        return [*new, "sh", "-c", ENTER, "enter", str(self.folder), *words]

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of a person who has just logged in as root, and the certificates."""
        return {
            "PATH": "/root/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "PIP_CERT": TRUSTED,
            "SSL_CERT_FILE": TRUSTED,
            "NODE_EXTRA_CA_CERTS": TRUSTED,
        }

    def run(self, *words: str, codes: Sequence[int] = (0,), timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Runs a command and returns its standard output. Raises RuntimeError on any other exit code."""
        done = subprocess.run(
            self.words(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode not in codes:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
            raise RuntimeError(f"{self.release}: `{' '.join(words)}` ended with {done.returncode}:\n{output}")
        return done.stdout

    @staticmethod
    def end(program: Program) -> None:
        """Ends a program that runs `words`. The command is asked first, so that it ends what it started."""
        with contextlib.suppress(psutil.NoSuchProcess, ValueError, subprocess.TimeoutExpired):
            (shell,) = psutil.Process(program.pid).children()
            (command,) = shell.children()
            command.terminate()
            program.wait(END_TIMEOUT_S)
        program.stop()

    def has_program(self, name: str) -> bool:
        return self.run("sh", "-c", f"command -v {name} || true").strip() != ""


@contextmanager
def clean_root(release: str) -> Iterator[CleanRoot]:
    """Yields a new base system of a release, and removes it afterwards."""
    for program in ("debootstrap", "unshare", "pivot_root", "tar"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is missing: apt install debootstrap util-linux tar")
    if os.geteuid() != 0:
        raise RuntimeError("only root can make a clean Debian: run this command as root")
    with tempfile.TemporaryDirectory(prefix=f"lightbox-{release}-") as name:
        folder = Path(name)
        subprocess.run(
            ["tar", "--extract", "--numeric-owner", "--file", _base(release), "--directory", folder],
            check=True,
        )
        folder.chmod(0o755)  # of the root folder, through which every user passes
        (folder / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
        (folder / TRUSTED.lstrip("/")).write_bytes(CERTIFICATES.read_bytes())
        # Packages start no services in a folder.
        policy = folder / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        yield CleanRoot(folder, release)


def _base(release: str) -> Path:
    """Returns an archive of the base system, which is made if there is none yet."""
    archive = CACHE / f"{release}.tar"
    if archive.is_file():
        return archive
    CACHE.mkdir(parents=True, exist_ok=True)
    note(f"{release}: debootstrap")
    with tempfile.TemporaryDirectory(prefix=f"lightbox-{release}-") as name:
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", release, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(
                "\n".join(["debootstrap failed:", *made.stdout.splitlines()[-15:], made.stderr])
            )
        scratch = archive.with_suffix(".new")
        pack = ["tar", "--create", "--numeric-owner", "--one-file-system", "--file", str(scratch)]
        subprocess.run([*pack, "--directory", name, "."], check=True)
        scratch.replace(archive)
    return archive
