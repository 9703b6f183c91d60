"""The exception tree.

LightboxError
├── ConfigurationError      what the operator gave us is wrong, or the host lacks something
├── ProtocolError           the peer sent something that PROTOCOL.md does not allow
├── PolicyError             well-formed, but not allowed for this person
│   └── LayoutError         monitors that cannot be so, or not on this display
└── Malfunction             a part of ours or of the host failed
    ├── CaptureError        the framebuffer or the X server is gone
    └── DesktopError        a desktop could not be started or ended early
"""

from __future__ import annotations


class LightboxError(Exception):
    """Root of everything Lightbox raises on purpose. `str()` is fit for the person who has to act on it."""


class ConfigurationError(LightboxError):
    """The operator's input or the host is wrong; `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)
        self.hint = hint


class ProtocolError(LightboxError):
    """The peer broke the wire protocol; the connection ends with `close_code`."""

    def __init__(self, message: str, *, close_code: int = 4400) -> None:
        super().__init__(message)
        self.close_code = close_code


class PolicyError(LightboxError):
    """A well-formed request that this person may not make."""


class LayoutError(PolicyError):
    """Monitors cannot be arranged as asked; the former layout stands."""


class Malfunction(LightboxError):  # noqa: N818 - the field's word for what is neither the peer's nor the operator's fault
    """A part of ours or of the host failed."""


class CaptureError(Malfunction):
    """The picture can no longer be read."""


class DesktopError(Malfunction):
    """A desktop could not be started, or ended before it should."""
