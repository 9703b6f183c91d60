"""How `lightbox account list` shows the second factors of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from display_server.broker.second_factor.listing import ListedFactors


def as_json(factors: ListedFactors | None) -> dict[str, object]:
    """Returns what `--json` prints for a person."""
    return {
        "app": factors is not None and factors.app,
        "passkeys": factors.passkeys if factors else 0,
        "recovery_codes": factors.recovery_codes if factors else 0,
    }


def in_words(factors: ListedFactors | None) -> str:
    """Returns what the list prints for a person."""
    parts = []
    if factors is not None:
        if factors.app:
            parts.append("app")
        if factors.passkeys:
            parts.append(f"{factors.passkeys} {'passkey' if factors.passkeys == 1 else 'passkeys'}")
        if parts:
            codes = factors.recovery_codes
            parts.append(f"{codes} recovery {'code' if codes == 1 else 'codes'}")
    return f"second factor: {', '.join(parts)}" if parts else "no second factor"
