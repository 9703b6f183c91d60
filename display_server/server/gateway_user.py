"""As which Unix user the gateway runs, and how its process becomes that user.

The gateway is the only process that the network reaches. As a user of its own it can neither read what
belongs to the broker nor trace or signal it, whatever somebody makes it do. The gateway of a server that is
root begins as root, and gives that up before it reads the first byte of the network. An unprivileged server
could not start it so without CAP_SETUID, which would make the server as good as root. So the service manager
starts its gateway (`lightbox gateway`). A further request of the spawner was the third candidate: the gateway
would then have the cgroup, the mounts and the filters of containers.
"""

from __future__ import annotations

import ctypes
import os
import pwd
from dataclasses import dataclass

from display_server.config import IsolationConfig
from display_server.errors import ConfigurationError, Malfunction

#: Options of prctl(2).
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


@dataclass(frozen=True, slots=True)
class GatewayUser:
    """The ids of a Unix user and of its group."""

    uid: int
    gid: int


def gateway_user(config: IsolationConfig) -> GatewayUser | None:
    """Returns as whom the gateway runs, or None for the user of the server, if desktops are not isolated.

    Without a name it is the last id of the range of desktops. No container has it: each desktop has four ids,
    of which its container maps three. Raises ConfigurationError.
    """
    if not config.enabled:
        return None
    if config.gateway_user is not None:
        return _named(config.gateway_user, range(config.id_base, config.id_base + config.id_count))
    if config.spawner == "service":
        raise ConfigurationError(
            "The server runs without root and cannot start its gateway as another user.",
            hint='Set `isolation.gateway_user` to "lightbox-gateway", the user of that service, and '
            "start that service (docs/systemd.md).",
        )
    last = config.id_base + config.id_count - 1
    return GatewayUser(last, last)


def _named(name: str, desktops: range) -> GatewayUser:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise ConfigurationError(
            f"There is no user {name!r} on this host (`isolation.gateway_user`).",
            hint="Run systemd-sysusers, or create the user.",
        ) from None
    if found.pw_uid == 0 or found.pw_uid in desktops:
        raise ConfigurationError(
            f"The gateway cannot run as {name!r}, which is root or in the range of desktops.",
            hint="Name a user in `isolation.gateway_user` that runs nothing else.",
        )
    return GatewayUser(found.pw_uid, found.pw_gid)


def become(user: GatewayUser) -> None:
    """Makes this process, which has no threads, that user for good.

    Of what it has inherited from the server it keeps its connections and standard error. The terminal is no
    more the one that controls it, so that it can neither type into it nor read from it. Raises
    ConfigurationError and Malfunction.
    """
    if os.geteuid() != 0:
        raise ConfigurationError(
            f"Only root can start the gateway as another user, and Lightbox runs as user {os.geteuid()}.",
            hint="Start Lightbox as root, or with --no-isolation for a single person on this host.",
        )
    _leave_terminal()
    os.chdir("/")
    os.setgroups([])
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        if ctypes.CDLL(None).prctl(option, value, 0, 0, 0) != 0:
            raise Malfunction(f"prctl({option}) failed.", next_step="Look at what restricts this process.")
    if (set(os.getresuid()), set(os.getresgid()), os.getgroups()) != ({user.uid}, {user.gid}, []):
        raise Malfunction("The gateway is still root.", next_step="Look at what restricts this process.")


def _leave_terminal() -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    os.close(null)
    if os.isatty(2):  # usually opened for reading as well
        terminal = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NOCTTY)
        os.dup2(terminal, 2)
        os.close(terminal)
