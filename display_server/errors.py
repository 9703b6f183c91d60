"""The exception tree.

LightboxError
├── ConfigurationError      the operator's input is wrong, or the host lacks something
├── ProtocolError           the peer sent something that PROTOCOL.md does not allow (protocol/errors.py)
├── ApiError                a response of the HTTP interface (broker_link/api_error.py)
│   └── NotAllowedError     what a role or a token does not allow (broker/api/admin/errors.py)
├── PolicyError             a well-formed request that this person may not make
│   ├── BreakGlassRefused    no emergency access to a desktop (broker/break_glass/break_glass.py)
│   ├── LayoutError         a monitor layout that is impossible or does not fit this display
│   ├── LockedOutError      a policy would lock out its own author (broker/policy/lock_out.py)
│   ├── OneDesktopError     the person may have one desktop, and has another (broker/one_desktop.py)
│   ├── OnePersonError      desktops are not isolated, and another person has one (broker/one_person.py)
│   ├── WeakPinError        a new PIN is easily guessed (broker/badges/badge_state.py)
│   ├── AnswerRefusedError  the answer of an OpenID Connect provider fails a check (broker/oidc/errors.py)
│   └── PasskeyRefusedError the answer of a browser's passkey is wrong (broker/second_factor/passkeys.py)
└── Malfunction             a part of Lightbox or of the host failed
    ├── CaptureError        the framebuffer or the X server is no longer available
    ├── DesktopError        a desktop did not start, or ended early
    │   └── PoolError       no desktop of a pool can be had (broker/pools/errors.py)
    ├── FactorKeyError      a stored second factor cannot be read (broker/second_factor/factor_key.py)
    ├── ProviderAway        an OpenID Connect provider gives no useful answer (broker/oidc/errors.py)
    ├── StorageError        the database or the state folder cannot be used (broker/storage_failures.py)
    ├── BrokerAway           the gateway cannot reach the broker (gateway/broker_link.py)
    ├── VideoNetworkError   no UDP socket for video can be opened (gateway/video_network.py)
    └── HostNetworkError    an agent gets no network for a viewer's video (agent/transport/host_network.py)

Errors that reach a person have a cause in plain words and a next step. `tests/style/test_messages.py` lists
those that lack one of them.
"""

from __future__ import annotations


class LightboxError(Exception):
    """Root of all exceptions that Lightbox raises.

    `cause` says in plain words what is wrong, and `next_step` what the person who reads it can do. `str()`
    is both in one line, except for ConfigurationError.
    """

    def __init__(self, cause: str, *, next_step: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step

    def __str__(self) -> str:
        return self.in_one_line()

    def in_one_line(self) -> str:
        """Returns the cause and the next step."""
        return f"{self.cause} {self.next_step}".rstrip()

    def for_terminal(self) -> str:
        """Returns the cause, and the next step on a line of its own."""
        return f"{self.cause}\n  {self.next_step}" if self.next_step else self.cause


class ConfigurationError(LightboxError):
    """The operator's input or the host is wrong. `hint` is the next step."""

    def __init__(self, cause: str, *, hint: str = "") -> None:
        super().__init__(cause, next_step=hint)
        self.hint = hint

    def __str__(self) -> str:
        return self.for_terminal()


class PolicyError(LightboxError):
    """A well-formed request that this person may not make."""


class LayoutError(PolicyError):
    """The requested monitor layout is not possible. The previous layout stays in place."""


class Malfunction(LightboxError):  # noqa: N818 - the field's word for a failure of the system itself
    """A part of Lightbox or of the host failed."""


class CaptureError(Malfunction):
    """The framebuffer can no longer be read."""


class DesktopError(Malfunction):
    """A desktop could not be started, or it ended unexpectedly."""
