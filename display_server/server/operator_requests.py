"""What the operator's commands ask of a running server, and how they ask it.

Each server process listens on a Unix socket in its run folder, which only its own Unix user can reach. A
request is one line of JSON, and so is the answer.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from display_server.broker.folders import Instance
from display_server.errors import Malfunction

#: The socket's name in the run folder.
SOCKET_NAME = "operator.sock"
#: A server has to answer within this time, s. Ending a desktop takes up to 8 s when its programs hang.
ANSWER_TIMEOUT_S = 30.0
#: Longest request, bytes.
LINE_MAX_BYTES = 64 * 1024
#: Longest answer, bytes. The people of a pool of a thousand desktops have about 200 KB.
ANSWER_MAX_BYTES = 4 * 1024 * 1024


class EndSession(msgspec.Struct, frozen=True, tag="end-session", forbid_unknown_fields=True):
    """End one desktop."""

    session: str
    operator: str  # the Unix user who ran the command


class ListOrphans(msgspec.Struct, frozen=True, tag="list-orphans", forbid_unknown_fields=True):
    """List desktops without a session, and sessions without a desktop."""


class AccountChanged(msgspec.Struct, frozen=True, tag="account-changed", forbid_unknown_fields=True):
    """An account was changed in the database: disconnect its viewers, and end its desktops if wanted."""

    username: str
    action: str  # what was done, for the log
    operator: str
    disconnect: bool
    end_desktops: bool


class AccessChanged(msgspec.Struct, frozen=True, tag="access-changed", forbid_unknown_fields=True):
    """Groups or entitlements were changed in the database: review the desktops that run."""

    action: str  # what was done, for the log
    operator: str


class DevicesChanged(msgspec.Struct, frozen=True, tag="devices-changed", forbid_unknown_fields=True):
    """A device was revoked in the database, or the keys of devices were changed."""

    action: str  # what was done, for the log
    operator: str
    ended: list[str] = []  # web sessions that have ended, as the hexadecimal hashes of their cookies
    new_keys: bool = False


class ListPools(msgspec.Struct, frozen=True, tag="list-pools", forbid_unknown_fields=True):
    """Describe all pools."""


class ChangePool(msgspec.Struct, frozen=True, tag="change-pool", forbid_unknown_fields=True):
    """Take a pool out of service or back, or let a restrained one try again."""

    pool: str
    change: Literal["maintain", "resume", "retry"]
    operator: str


class RecomposePool(msgspec.Struct, frozen=True, tag="recompose-pool", forbid_unknown_fields=True):
    """Change a pool to another version of its image, or back."""

    pool: str
    version: str | None  # None: the one before
    canary_percent: int  # the share of desktops that change first; 100: all at once
    within_s: float | None  # how long people may go on with the former version; None: until they end it
    operator: str


class ListPlaces(msgspec.Struct, frozen=True, tag="list-places", forbid_unknown_fields=True):
    """Describe whose the desktops of a dedicated pool are."""

    pool: str


class ChangePlace(msgspec.Struct, frozen=True, tag="change-place", forbid_unknown_fields=True):
    """Assign a desktop of a dedicated pool to a person, or take it from them and wipe it."""

    pool: str
    username: str
    change: Literal["assign", "release"]
    operator: str


class SetPolicy(msgspec.Struct, frozen=True, tag="set-policy", forbid_unknown_fields=True):
    """Store the rule of a policy. Refuse it if it would lock out `author` at `address`, if one is given."""

    name: str
    conditions: dict[str, str]
    values: dict[str, str | bool | int | float | list[str]]
    operator: str
    author: str | None = None
    address: str = ""


class PoliciesChanged(msgspec.Struct, frozen=True, tag="policies-changed", forbid_unknown_fields=True):
    """The rules of policies were changed in the database: put them into force."""

    action: str  # what was done, for the log
    operator: str


class ShowPolicy(msgspec.Struct, frozen=True, tag="show-policy", forbid_unknown_fields=True):
    """Resolve the policy of a person, on a desktop, at an address and on a device with tags, if given."""

    person: str
    desktop: str | None = None
    address: str = ""
    tags: list[str] = []


Request = (
    EndSession
    | ListOrphans
    | AccountChanged
    | AccessChanged
    | DevicesChanged
    | ListPools
    | ChangePool
    | RecomposePool
    | ListPlaces
    | ChangePlace
    | SetPolicy
    | PoliciesChanged
    | ShowPolicy
)


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The request was carried out completely."""

    viewers: int = 0  # viewers that were disconnected
    ended: list[str] = []  # names of the desktops that were ended
    running: list[str] = []  # names of the person's desktops that keep running


class AccessReviewed(msgspec.Struct, frozen=True, tag="access-reviewed"):
    """How many desktops run whose people are no longer entitled to them, and what happens to those."""

    warned: int = 0
    until_sign_out: int = 0
    ended: int = 0


class PoolStatus(msgspec.Struct, frozen=True):
    """A pool: how many desktops it may have, ought to keep waiting, and has."""

    name: str
    kind: str  # floating or dedicated
    maximum: int
    spare: int
    waiting: int  # ready, and opened by nobody
    starting: int
    assigned: int
    ending: int
    state: str  # normal, maintenance, restrained or probing
    error: str | None  # the last failure
    retry_in_s: float | None  # until a restrained pool tries again
    image_version: str  # of the desktops that start
    rollout: str  # steady, canary, rolling or stopped
    target: str | None  # the version of the canaries
    canaries: int  # desktops of that version
    former: int  # desktops of another version, which people have
    rollout_error: str | None  # the last failure of a canary


class PoolList(msgspec.Struct, frozen=True, tag="pools"):
    """The pools, and whose their desktops are: the username by session, empty if nobody has it."""

    pools: list[PoolStatus]
    people: dict[str, str]


class PlaceStatus(msgspec.Struct, frozen=True):
    """A desktop of a dedicated pool that belongs to a person."""

    place: int
    username: str
    state: str  # assigned, released or not-wiped
    error: str | None  # why the home of a released desktop could not be wiped


class PlaceList(msgspec.Struct, frozen=True, tag="places"):
    """The desktops of a dedicated pool that belong to people, by place."""

    places: list[PlaceStatus]


class OrphanStatus(msgspec.Struct, frozen=True):
    """A desktop without a session, or a session without a desktop; `kind` says which."""

    session: str
    kind: str
    owner: str  # the person, or the place of a pool; empty if nobody is known
    desktop: str


class OrphanList(msgspec.Struct, frozen=True, tag="orphans"):
    """All orphans of a server."""

    orphans: list[OrphanStatus]


class PolicyValue(msgspec.Struct, frozen=True):
    """The value of a key, where it comes from, and its name for people by language."""

    key: str
    value: str | bool | int | float | list[str]
    origin: str
    titles: dict[str, str]


class PolicyShown(msgspec.Struct, frozen=True, tag="policy"):
    """The resolved policy, with a value for every key."""

    values: list[PolicyValue]


class PoliciesReviewed(msgspec.Struct, frozen=True, tag="policies-reviewed"):
    """The policies are in force. `disconnected` viewers may not go on where they were."""

    disconnected: int = 0


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The request was not carried out."""

    cause: str
    next_step: str


Answer = Done | AccessReviewed | PoolList | PlaceList | OrphanList | PolicyShown | PoliciesReviewed | Refused


class ServerSilent(Malfunction):
    """A server process that runs did not answer."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers of all servers together."""

    servers: int
    viewers: int
    ended: tuple[str, ...]
    running: tuple[str, ...]


def ask(instance: Instance, request: Request) -> Answer:
    """Sends a request to a server process and returns its answer. Raises ServerSilent."""
    path = Path(instance.run_folder) / SOCKET_NAME
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            line = bytearray()
            while not line.endswith(b"\n") and len(line) <= ANSWER_MAX_BYTES:
                received = connection.recv(65536)
                if not received:
                    break
                line += received
        return msgspec.json.decode(line, type=Answer)
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerSilent(
            f"The server with process id {instance.pid} did not answer: {error}.",
            next_step="Look at its log. If it hangs, end it and start it again.",
        ) from error


def refusal(answer: Answer) -> Malfunction:
    """Returns the error that says why a request was refused."""
    if isinstance(answer, Refused):
        return Malfunction(answer.cause, next_step=answer.next_step)
    return Malfunction(
        "The server gave an answer that does not fit the request.",
        next_step="Use the command `lightbox` of the version that the server runs.",
    )


def ask_all(instances: Iterable[Instance], request: AccountChanged | DevicesChanged) -> Answered:
    """Tells all servers of a state folder what was changed. Raises Malfunction when one of them fails."""
    answers = []
    for instance in instances:
        answer = ask(instance, request)
        if not isinstance(answer, Done):
            raise refusal(answer)
        answers.append(answer)
    return Answered(
        servers=len(answers),
        viewers=sum(answer.viewers for answer in answers),
        ended=tuple(name for answer in answers for name in answer.ended),
        running=tuple(name for answer in answers for name in answer.running),
    )


def ask_for_review(instances: Iterable[Instance], request: AccessChanged) -> AccessReviewed:
    """Has all servers of a state folder review the desktops that run, and adds up what they did.

    Raises Malfunction when one of them fails.
    """
    total = AccessReviewed()
    for instance in instances:
        answer = ask(instance, request)
        if not isinstance(answer, AccessReviewed):
            raise refusal(answer)
        total = AccessReviewed(
            total.warned + answer.warned,
            total.until_sign_out + answer.until_sign_out,
            total.ended + answer.ended,
        )
    return total
