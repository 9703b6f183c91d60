"""What happens to a running desktop whose person is no longer entitled to it. Pure: time is an argument.

entitled ──removed, warning──► warned ──────────due────────► ended
   ▲ │ └──removed, sign-out──► until sign-out ──signed out──►  ▲
   │ └───────────────────removed, at once──────────────────────┤
   └──granted── warned, until sign-out ───removed, at once─────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class OnRemoval(Enum):
    """What the removal of an entitlement does to a desktop that runs. The values are stored."""

    WARNING = "warning"  # the person is warned, and the desktop ends some minutes later
    SIGN_OUT = "sign-out"  # it ends when the person has signed out
    AT_ONCE = "at-once"


class AccessState(Enum):
    """The access of a person to their running desktop. The values are stored."""

    ENTITLED = "entitled"
    WARNED = "warned"
    UNTIL_SIGN_OUT = "until sign-out"
    ENDED = "ended"


class AccessEvent(Enum):
    GRANTED = "granted"  # the person is entitled, perhaps again
    REMOVED_WITH_WARNING = "removed, warning"
    REMOVED_AT_SIGN_OUT = "removed, sign-out"
    REMOVED_AT_ONCE = "removed, at once"
    DUE = "due"
    SIGNED_OUT = "signed out"


_E, _S = AccessEvent, AccessState
#: Events that are missing here change nothing. A desktop that has ended does not come back.
TRANSITIONS: dict[tuple[AccessState, AccessEvent], AccessState] = {
    (_S.ENTITLED, _E.REMOVED_WITH_WARNING): _S.WARNED,
    (_S.ENTITLED, _E.REMOVED_AT_SIGN_OUT): _S.UNTIL_SIGN_OUT,
    (_S.ENTITLED, _E.REMOVED_AT_ONCE): _S.ENDED,
    (_S.WARNED, _E.GRANTED): _S.ENTITLED,
    (_S.WARNED, _E.REMOVED_AT_ONCE): _S.ENDED,
    (_S.WARNED, _E.DUE): _S.ENDED,
    (_S.UNTIL_SIGN_OUT, _E.GRANTED): _S.ENTITLED,
    (_S.UNTIL_SIGN_OUT, _E.REMOVED_AT_ONCE): _S.ENDED,
    (_S.UNTIL_SIGN_OUT, _E.SIGNED_OUT): _S.ENDED,
}
_REMOVED = {
    OnRemoval.WARNING: AccessEvent.REMOVED_WITH_WARNING,
    OnRemoval.SIGN_OUT: AccessEvent.REMOVED_AT_SIGN_OUT,
    OnRemoval.AT_ONCE: AccessEvent.REMOVED_AT_ONCE,
}


@dataclass(frozen=True, slots=True)
class RemovalPolicy:
    """What the operator wants for a desktop. `warning_s` is the time between warning and end, s."""

    on_removal: OnRemoval = OnRemoval.WARNING
    warning_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Access:
    """The access to one running desktop. Times are wall-clock times, in seconds since the epoch."""

    state: AccessState = AccessState.ENTITLED
    removed_s: float | None = None  # when the removal was noticed
    due_s: float | None = None  # when the desktop ends; None unless the person is warned

    def may_display(self, now_s: float) -> bool:
        """Returns whether the person may display the desktop that runs. They may never start it again."""
        if self.state is AccessState.WARNED:
            return self.due_s is not None and now_s < self.due_s
        return self.state is AccessState.UNTIL_SIGN_OUT


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known of a person and a desktop at one moment."""

    entitled: bool
    policy: RemovalPolicy
    #: When the person signed in, in the browser among those now signed in that did so first; None without.
    first_sign_in_s: float | None = None


def next_access(access: Access, seen: Observation, now_s: float) -> Access:
    """Returns the access after an observation.

    A removal keeps the deadline that it was given, unless the policy has become "at once". The sign-out that
    ends a desktop is that of every browser in which the person was signed in at the removal.
    """
    while (event := _event(access, seen, now_s)) is not None:
        state = TRANSITIONS.get((access.state, event))
        if state is None:
            break
        if state is AccessState.ENTITLED:
            return Access()
        if access.state is AccessState.ENTITLED:
            due_s = now_s + seen.policy.warning_s if state is AccessState.WARNED else None
            access = Access(state, now_s, due_s)
        else:
            access = replace(access, state=state)
    return access


def _event(access: Access, seen: Observation, now_s: float) -> AccessEvent | None:
    if seen.entitled:
        return AccessEvent.GRANTED
    if access.state is AccessState.ENTITLED or seen.policy.on_removal is OnRemoval.AT_ONCE:
        return _REMOVED[seen.policy.on_removal]
    if access.state is AccessState.WARNED and (access.due_s is None or now_s >= access.due_s):
        return AccessEvent.DUE
    if access.state is AccessState.UNTIL_SIGN_OUT:
        signed_in_s = seen.first_sign_in_s
        if signed_in_s is None or access.removed_s is None or signed_in_s > access.removed_s:
            return AccessEvent.SIGNED_OUT
    return None
