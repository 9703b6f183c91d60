"""The exception tree.

LightboxError
├── ConfigurationError      the operator's input is wrong, or the host lacks something
├── ProtocolError           the peer sent something that PROTOCOL.md does not allow (protocol/errors.py)
├── PolicyError             a well-formed request that this person may not make
│   └── LayoutError         a monitor layout that is impossible or does not fit this display
└── Malfunction             a part of Lightbox or of the host failed
    ├── CaptureError        the framebuffer or the X server is no longer available
    └── DesktopError        a desktop did not start, or ended early
"""

from __future__ import annotations


class LightboxError(Exception):
    """Root of all exceptions that Lightbox raises. `str()` is meant for the person who has to act."""


class ConfigurationError(LightboxError):
    """The operator's input or the host is wrong. `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)
        self.hint = hint


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
