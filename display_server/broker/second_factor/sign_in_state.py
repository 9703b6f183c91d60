"""The steps of a sign-in, as a transition table. Pure: time is an argument.

    password due ── password suffices ─────────────────────────────► signed in
      │  ▲  ├── factor needed ────► factor due ──── factor right ───────▲
      │  │  └── enrolment needed ─► enrolment due ─ enrolled ───────────┘
      │  └───── wrong too often, expired, abandoned ─┘ (from both)
      └── refused ─► password due

Only `signed in` gives access to anything. A step that does not belong to a state leads back to the password:
a person who has a factor cannot set up another one instead of giving it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

#: Wrong codes and passkeys after which the person has to give the password again.
WRONG_MAX = 5


class SignInState(Enum):
    """How far a sign-in has come. The values are stored and sent to the page."""

    PASSWORD_DUE = "password"  # noqa: S105 - the name of a state
    FACTOR_DUE = "factor"  # the password was right; the second factor is missing
    ENROLMENT_DUE = "enrolment"  # the password was right; the person has to set up a second factor
    SIGNED_IN = "signed-in"


class SignInEvent(Enum):
    """What can happen during a sign-in."""

    PASSWORD_SUFFICES = "password suffices"  # noqa: S105 - the name of an event
    FACTOR_NEEDED = "factor needed"
    ENROLMENT_NEEDED = "enrolment needed"
    REFUSED = "refused"
    FACTOR_RIGHT = "factor right"
    FACTOR_WRONG = "factor wrong"
    WRONG_TOO_OFTEN = "wrong too often"
    ENROLLED = "enrolled"
    EXPIRED = "expired"


_BACK = SignInState.PASSWORD_DUE

TABLE: Mapping[SignInState, Mapping[SignInEvent, SignInState]] = {
    SignInState.PASSWORD_DUE: {
        SignInEvent.PASSWORD_SUFFICES: SignInState.SIGNED_IN,
        SignInEvent.FACTOR_NEEDED: SignInState.FACTOR_DUE,
        SignInEvent.ENROLMENT_NEEDED: SignInState.ENROLMENT_DUE,
        SignInEvent.REFUSED: _BACK,
        SignInEvent.FACTOR_RIGHT: _BACK,
        SignInEvent.FACTOR_WRONG: _BACK,
        SignInEvent.WRONG_TOO_OFTEN: _BACK,
        SignInEvent.ENROLLED: _BACK,
        SignInEvent.EXPIRED: _BACK,
    },
    SignInState.FACTOR_DUE: {
        SignInEvent.PASSWORD_SUFFICES: _BACK,
        SignInEvent.FACTOR_NEEDED: _BACK,
        SignInEvent.ENROLMENT_NEEDED: _BACK,
        SignInEvent.REFUSED: _BACK,
        SignInEvent.FACTOR_RIGHT: SignInState.SIGNED_IN,
        SignInEvent.FACTOR_WRONG: SignInState.FACTOR_DUE,
        SignInEvent.WRONG_TOO_OFTEN: _BACK,
        SignInEvent.ENROLLED: _BACK,
        SignInEvent.EXPIRED: _BACK,
    },
    SignInState.ENROLMENT_DUE: {
        SignInEvent.PASSWORD_SUFFICES: _BACK,
        SignInEvent.FACTOR_NEEDED: _BACK,
        SignInEvent.ENROLMENT_NEEDED: _BACK,
        SignInEvent.REFUSED: _BACK,
        SignInEvent.FACTOR_RIGHT: _BACK,
        SignInEvent.FACTOR_WRONG: SignInState.ENROLMENT_DUE,
        SignInEvent.WRONG_TOO_OFTEN: _BACK,
        SignInEvent.ENROLLED: SignInState.SIGNED_IN,
        SignInEvent.EXPIRED: _BACK,
    },
    # A sign-in that is complete has become a web session, and nothing of it is pending.
    SignInState.SIGNED_IN: dict.fromkeys(SignInEvent, _BACK),
}

#: How long a state lasts before the password is due again, s. Setting up an app takes longer than a code.
LASTS_S: Mapping[SignInState, float] = {SignInState.FACTOR_DUE: 300.0, SignInState.ENROLMENT_DUE: 900.0}


@dataclass(frozen=True, slots=True)
class SignInProgress:
    """A sign-in whose password was right. `entered_s` is when it came into its state, by the wall clock."""

    state: SignInState
    entered_s: float
    wrong: int = 0  # wrong codes and passkeys so far

    def at(self, now_s: float) -> SignInProgress:
        """Returns the progress after what is due by time alone. A clock that was set back expires it too."""
        if not 0 <= now_s - self.entered_s < LASTS_S.get(self.state, 0.0):
            return self.after(SignInEvent.EXPIRED)
        return self

    def after(self, event: SignInEvent) -> SignInProgress:
        """Returns the progress after an event. The last wrong code that is allowed leads to the password."""
        if event is SignInEvent.FACTOR_WRONG:
            if self.wrong + 1 >= WRONG_MAX:
                event = SignInEvent.WRONG_TOO_OFTEN
            return replace(self, state=TABLE[self.state][event], wrong=self.wrong + 1)
        return replace(self, state=TABLE[self.state][event])

    def expires_in_s(self, now_s: float) -> float:
        """Returns the seconds until the password is due again."""
        return max(0.0, self.entered_s + LASTS_S.get(self.state, 0.0) - now_s)
