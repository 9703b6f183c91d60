"""Asks the directory about the people who are signed in, and ends the web sessions of those who have left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from display_server.broker.directory.accounts import DirectoryAccounts, Watched
from display_server.broker.directory.cached_passwords import CachedPasswords
from display_server.broker.directory.client import DirectoryClient
from display_server.broker.directory.errors import DirectoryAway, DirectoryError
from display_server.broker.directory.leavers import LeaverJudge, is_missing

log = structlog.get_logger(__name__)

#: Interval between two questions, s. Absence counts when it is seen twice, so somebody who disappears has
#: left after at most two intervals, which are less than a minute.
INTERVAL_S = 25.0


@dataclass(frozen=True, slots=True)
class WatchProblem:
    """Why the watch does not work as it should, in words that anybody may read."""

    code: str
    cause: str
    next_step: str


class LeaverWatch:
    """`disconnect` disconnects all viewers of a person, by username."""

    def __init__(
        self,
        client: DirectoryClient,
        accounts: DirectoryAccounts,
        cached: CachedPasswords,
        disconnect: Callable[[str], object],
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._cached = cached
        self._disconnect = disconnect
        self._judge = LeaverJudge()
        #: What is wrong since the last question; None while everything works.
        self.problem: WatchProblem | None = None

    async def run_once(self) -> list[Watched]:
        """Asks once, and returns who has left. Raises StorageError.

        While the directory is away nobody leaves: people who are signed in go on working.
        """
        await self._cached.delete_outdated()
        asked = await self._accounts.watched()
        try:
            found = await self._client.find_all([watched.username for watched in asked])
            any_missing = any(is_missing(watched, found.get(watched.username)) for watched in asked)
            has_anybody = not any_missing or await self._client.has_anybody()
        except DirectoryAway:
            self.problem = None  # the outage itself is reported elsewhere
            return []
        except DirectoryError as error:
            if self.problem is None:
                log.error("directory refuses", cause=error.cause, next_step=error.next_step)
            self._report(_REFUSES)
            return []
        verdict = self._judge.judge(asked, found, has_anybody=has_anybody)
        if verdict.held:
            self._report(_suspicious(len(verdict.held), len(asked)))
        else:
            self.problem = None
        if verdict.left:
            await self._accounts.end(verdict.left)
        for watched, reason in verdict.left:
            viewers = self._disconnect(watched.username)
            log.warning("person has left", username=watched.username, reason=reason, viewers=viewers)
        return [watched for watched, _ in verdict.left]

    def _report(self, problem: WatchProblem) -> None:
        if self.problem is None or self.problem.code != problem.code:
            log.error("leavers unknown", cause=problem.cause, next_step=problem.next_step)
        self.problem = problem


_REFUSES = WatchProblem(
    "directory-refuses",
    "The directory does not say who of the people who are signed in is still there. Nobody is signed out.",
    "The log says how it refuses. Run `lightbox directory test`.",
)


def _suspicious(missing: int, asked: int) -> WatchProblem:
    return WatchProblem(
        "directory-incomplete",
        f"{missing} of {asked} people who are signed in here have disappeared from the directory at once. "
        "Nobody is signed out for that reason.",
        "Run `lightbox directory test`. If they have really left, disable them in the directory, or run "
        "`lightbox account disable` for each.",
    )
