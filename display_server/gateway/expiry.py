"""When to warn about a certificate that expires. Pure."""

from __future__ import annotations

import datetime

#: A warning is logged this many days before a certificate expires.
WARN_DAYS = (45, 14, 3)


class ExpiryWarnings:
    """Decides when a warning is due: once for each number of days and each certificate."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[bytes, int]] = {}

    def due(
        self, certificate: str, fingerprint: bytes, expires: datetime.datetime, now: datetime.datetime
    ) -> int | None:
        """Returns how many days are left if a warning is due now, which counts as given; otherwise None.

        `certificate` says which of the server's certificates it is; its next one has another fingerprint.
        """
        left = expires - now
        reached = [days for days in WARN_DAYS if left <= datetime.timedelta(days=days)]
        if not reached:
            return None
        warning = (fingerprint, min(reached))
        if self._given.get(certificate) == warning:
            return None
        self._given[certificate] = warning
        return max(0, left.days)
