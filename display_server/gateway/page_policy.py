"""What browsers allow the page, and who may show it in a frame. Closed by default. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from display_server.errors import ConfigurationError

#: What the operator can allow, by the names of Permissions-Policy.
PERMISSIONS = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
#: What the page uses itself. Nothing else is allowed unless the configuration names it.
_ALWAYS = ("clipboard-read", "clipboard-write", "fullscreen", "keyboard-map", "window-management")
#: Characters of host names and addresses in URLs.
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.:")
_CONTENT = (
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
)


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """`permissions` are the devices and sensors that the page may ask for. `frame_ancestors` are the origins
    that may show it in a frame.
    """

    permissions: frozenset[str] = frozenset()
    frame_ancestors: tuple[str, ...] = ()

    @classmethod
    def parse(cls, permissions: Iterable[str], frame_ancestors: Iterable[str]) -> PagePolicy:
        """Reads the configuration. Raises ConfigurationError."""
        named = frozenset(permissions)
        if unknown := sorted(named - set(PERMISSIONS)):
            raise ConfigurationError(
                f"`browser.permissions`: there is no {unknown[0]!r}.",
                hint=f"The names are: {', '.join(PERMISSIONS)}.",
            )
        return cls(named, tuple(_origin(text) for text in frame_ancestors))

    @property
    def content_security_policy(self) -> str:
        ancestors = " ".join(self.frame_ancestors) or "'none'"
        return "; ".join((*_CONTENT, f"frame-ancestors {ancestors}"))

    @property
    def permissions_policy(self) -> str:
        refused = [f"{name}=()" for name in PERMISSIONS if name not in self.permissions]
        allowed = [f"{name}=(self)" for name in (*sorted(self.permissions), *_ALWAYS)]
        return ", ".join(refused + allowed)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Returns the headers that every response carries."""
        headers = [
            (b"content-security-policy", self.content_security_policy.encode()),
            (b"permissions-policy", self.permissions_policy.encode()),
        ]
        if not self.frame_ancestors:  # the older header cannot name origins
            headers.append((b"x-frame-options", b"DENY"))
        return headers


def _origin(text: str) -> str:
    """Returns an origin as browsers write it, without the default port."""
    wrong = ConfigurationError(
        f"`browser.frame_ancestors`: {text!r} is not the address of a site.",
        hint="Write it without a path, for example https://portal.hospital.example.",
    )
    try:
        parts = urlsplit(text)
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme != "https" or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise wrong
    if not name or "@" in parts.netloc or any(letter not in _NAME for letter in name):
        raise wrong
    shown = f"[{name}]" if ":" in name else name
    return f"https://{shown}" if port in {None, 443} else f"https://{shown}:{port}"
