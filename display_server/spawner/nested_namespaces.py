"""Limits how many namespaces the programs of a container may make, where they may make any."""

from __future__ import annotations

import subprocess

from display_server.errors import DesktopError
from display_server.spawner.runtime import ENVIRONMENT, Runtime

#: How many namespaces of each kind exist at most in a container, with those inside of nested ones. Chromium
#: makes a few of users and of the network, and one of pids for each renderer; Firefox makes one of each for
#: each content process.
LIMITS = {"user": 128, "pid": 256, "net": 128, "ipc": 128}
#: The filter of system calls lets programs make none of these either.
NONE_OF = ("mnt", "uts", "cgroup", "time")
#: How long writing the limits may take, s. It needs 10 ms.
_TIMEOUT_S = 30.0


def limit_namespaces(containers: Runtime, session: str) -> None:
    """Writes the limits as the root of the container's namespace of users, which alone may do that.

    Raises DesktopError when that fails; the desktop must not run then.
    """
    pid = containers.init_pid(session)
    limits = LIMITS | dict.fromkeys(NONE_OF, 0)
    script = " && ".join(
        f"echo {most} > /proc/sys/user/max_{kind}_namespaces" for kind, most in limits.items()
    )
    done = subprocess.run(
        ["nsenter", f"--user=/proc/{pid}/ns/user", "/bin/sh", "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        env=ENVIRONMENT,
    )
    if done.returncode != 0:
        raise DesktopError(
            f"The namespaces of this desktop could not be limited: {done.stderr.strip()}.",
            next_step="The administrator has to give Lightbox a writable /proc/sys/user.",
        )
