"""The cookies of the gateway, and where browsers send them. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

#: The secret of a web session.
SESSION = "lightbox"
#: The secret of a sign-in whose second factor is due. It opens nothing.
PENDING = "lightbox-sign-in"
#: The secret of a sign-in that continues at a provider of OpenID Connect. It opens nothing.
PROVIDER = "lightbox-provider"
#: The secret by which a known device is recognized.
DEVICE = "lightbox-device"
#: The signed name of an enrolled device.
ENROLLED_DEVICE = "lightbox-enrolled-device"


@dataclass(frozen=True, slots=True)
class CookieScope:
    """Where browsers send the cookies.

    `path` is the path prefix below which the gateway was reached; empty for the root. With `cross_site`
    browsers also send them when a page of another site shows this one in a frame.
    """

    path: str = ""
    cross_site: bool = False

    def name(self, base: str) -> str:
        """Returns the full name of a cookie.

        Browsers accept the prefix `__Host-` only for the path `/`; it keeps other hosts of the same domain
        from setting the cookie. Below a path, `__Secure-` at least keeps plain HTTP from it.
        """
        return f"{'__Secure-' if self.path else '__Host-'}{base}"

    def read(self, header: str, base: str) -> str:
        """Returns the value of a cookie in the header Cookie; empty when it is missing or malformed."""
        try:
            morsel = SimpleCookie(header).get(self.name(base))
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def set_cookie(self, base: str, value: str, *, max_age_s: int | None = None) -> str:
        """Returns a header Set-Cookie. Without `max_age_s` the cookie lasts until the browser is closed."""
        parts = [f"{self.name(base)}={value}", f"Path={self.path or '/'}", "Secure", "HttpOnly"]
        # Partitioned: a frame in one portal shares no sign-in with a frame in another one.
        parts += ["SameSite=None", "Partitioned"] if self.cross_site else ["SameSite=Strict"]
        if max_age_s is not None:
            parts.append(f"Max-Age={max_age_s}")
        return "; ".join(parts)

    def delete_cookie(self, base: str) -> str:
        """Returns a header Set-Cookie that removes the cookie."""
        return self.set_cookie(base, '""', max_age_s=0)


def hash_of(secret: str) -> bytes:
    """Returns the SHA-256 of a cookie's value. Salt and stretching are not needed: it has 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
