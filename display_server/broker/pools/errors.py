"""Why a person gets no desktop of a pool, in words for that person."""

from __future__ import annotations

from display_server.errors import DesktopError
from display_server.protocol.api_error_codes import ApiErrorCode


class PoolError(DesktopError):
    """No desktop of the pool can be had at the moment. `code` is that of the answer."""

    def __init__(self, code: ApiErrorCode, cause: str, *, next_step: str) -> None:
        super().__init__(cause, next_step=next_step)
        self.code = code


def pool_full() -> PoolError:
    return PoolError(
        "pool-full",
        "All desktops of this kind are in use.",
        next_step="Try again in a few minutes, or ask your administrator for more of them.",
    )


def pool_released() -> PoolError:
    return PoolError(
        "pool-released",
        "The administrator took your desktop of this kind back, and its files are being deleted.",
        next_step="Try again in a minute to get a new one, or ask your administrator.",
    )


def pool_in_maintenance() -> PoolError:
    return PoolError(
        "pool-maintenance",
        "The administrator is working on desktops of this kind.",
        next_step="Choose another desktop, or try again later.",
    )


def pool_restrained() -> PoolError:
    """What went wrong is for the operator: `lightbox pools list` has it."""
    return PoolError(
        "pool-restrained",
        "Desktops of this kind do not start at the moment. The administrator has been told.",
        next_step="Choose another desktop, or try again in a few minutes.",
    )
