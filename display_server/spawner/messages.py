"""The requests that the spawner accepts, and its answers. Each is one JSON object behind a header.

Spawner and server may be of different versions while one of them is being upgraded, so the header has the
version of these messages. The header and the fields `error` and `next_step` of an answer never change.

A request contains data, never a path or a piece of a container's description. msgspec checks every field
before the spawner looks at it.
"""

from __future__ import annotations

import struct
from typing import Annotated

import msgspec
from msgspec import Meta

from display_server.spawner.network_messages import NetworkAccess

#: Raised whenever a message or the meaning of a field changes.
VERSION = 6
#: Before each message: the version (16 bits) and the length of what follows (32 bits), in network order.
HEADER = struct.Struct(">HI")
#: Longest request, bytes.
REQUEST_MAX_BYTES = 256 * 1024
#: Longest answer, bytes. The list of a thousand desktops has about 2 MB.
ANSWER_MAX_BYTES = 64 * 1024 * 1024

#: Names become parts of paths. Each pattern excludes `/`, and a dot at the beginning.
SessionId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,31}\Z")]
Username = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._@-]{0,63}\Z")]
DeletedHomesName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._@-]{0,99}\Z")]
DesktopName = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]

MEBIBYTE = 2**20


#: MiB: 0, or up to 16 TiB, the most that ext4 has with 32-bit block numbers.
HomeSize = Annotated[int, Meta(ge=0, le=16_777_215)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one desktop may use of the host."""

    #: Memory of all processes, with the framebuffer and everything in the desktop's memory file systems.
    memory_mb: Annotated[int, Meta(ge=256, le=1_048_576)] = 4096
    #: Processes and threads.
    processes: Annotated[int, Meta(ge=64, le=100_000)] = 1024
    #: Time on processors, in percent of one processor. 0 sets no limit.
    cpu_percent: Annotated[int, Meta(ge=0, le=100_000)] = 0
    #: Size of each of `/tmp` and `/dev/shm`.
    temporary_mb: Annotated[int, Meta(ge=16, le=1_048_576)] = 1024
    #: Size of the home. 0 sets no limit.
    home_mb: HomeSize = 0


class StartDesktop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="start"):
    """Creates the home where it is kept and missing, starts the container and the supervisor in it."""

    session: SessionId
    username: Username
    desktop: DesktopName
    #: The first host id of the desktop's range. The spawner knows which ones are allowed.
    first_id: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    #: The content of spec.json, which the supervisor checks.
    spec: Annotated[str, Meta(max_length=64 * 1024)]
    limits: Limits = Limits()
    #: Whether the home is kept. Otherwise it is in memory, half as large as `/tmp`, and ends with all else.
    keeps_home: bool = True
    #: Whether the profile names a browser, whose own sandbox makes namespaces inside the container.
    nested_namespaces: bool = False
    #: What programs may reach.
    network: NetworkAccess = NetworkAccess()


class ExecSupervisor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="exec_supervisor"):
    """Starts a supervisor in a container that has none. Does nothing if its supervisor runs."""

    session: SessionId


class SetNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="set_network"):
    """Replaces what the programs of a running desktop may reach, because names have other addresses now."""

    session: SessionId
    network: NetworkAccess


class StopDesktop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="stop"):
    """Kills every process of the container and removes the desktop's folder. Succeeds if nothing runs."""

    session: SessionId


class ListDesktops(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="list"):
    """Asks for the containers that run, and removes what is left of those that have ended."""


class SetHomesAside(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="set_homes_aside"):
    """Moves the homes of a person to the folder of deleted homes. The answer has the new folder's name."""

    username: Username


class WipeHomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wipe_homes"):
    """Deletes the homes of a person. Succeeds if there are none."""

    username: Username


class WipeHome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wipe_home"):
    """Deletes the home of a person for one desktop. Succeeds if there is none."""

    username: Username
    desktop: DesktopName


class WipeDeletedHomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wipe_deleted_homes"):
    """Deletes homes that were set aside. Succeeds if there are none of this name."""

    folder: DeletedHomesName


Request = (
    StartDesktop
    | ExecSupervisor
    | SetNetwork
    | StopDesktop
    | ListDesktops
    | SetHomesAside
    | WipeHomes
    | WipeHome
    | WipeDeletedHomes
)


class RunningContainer(msgspec.Struct, frozen=True):
    """A container that runs, with what its StartDesktop contained.

    The start time tells its init apart from a later process with the same pid.
    """

    session: str
    username: str
    desktop: str
    first_id: int
    spec: str
    init_pid: int
    init_start_ticks: int


class Answer(msgspec.Struct, frozen=True):
    """`error` is None on success, or else the cause in words, with `next_step` for the administrator."""

    error: str | None = None
    next_step: str = ""
    containers: list[RunningContainer] = []
    deleted_homes: str = ""  # the answer to SetHomesAside; empty if the person had no homes


def encode(message: Request | Answer) -> bytes:
    body = msgspec.json.encode(message)
    return HEADER.pack(VERSION, len(body)) + body


def decode_request(body: bytes) -> Request:
    """Raises msgspec.MsgspecError when the request is malformed or a value is out of range."""
    return msgspec.json.decode(body, type=Request)


def decode_answer(body: bytes) -> Answer:
    """Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Answer)
