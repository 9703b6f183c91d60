"""Display checks: the content of a result, the criteria for passing, and storage.

In a display check a person looks at test patterns and at squares of low contrast on a display, and answers
what is visible. docs/display-check.md describes the procedure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import NOWHERE, Action, AuditEntry, Origin
from display_server.broker.store import Store
from display_server.broker.tables import DisplayCheck

#: Largest number of patterns in one result. The page shows four.
PATTERNS_MAX = 16
#: Largest number of trials in one result.
TRIALS_MAX = 64
#: Pairs of (upper end of a range of grey levels, smallest difference that must be seen in that range), both
#: of 255. The first value is about one just noticeable difference of DICOM's grey-scale function near black
#: on a calibrated display; elsewhere one step of that function is smaller. The criterion is Lightbox's own
#: and not part of a standard.
VISIBLE_DIFFERENCE_LIMITS = ((64, 6), (192, 4), (256, 4))
#: Largest number of results in one list.
LISTED_MAX = 1000

Name = Annotated[str, msgspec.Meta(max_length=64)]
Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
Position = Annotated[int, msgspec.Meta(ge=0, le=3)]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
PatternName = Literal["tg18-qc", "tg270-sqc", "smpte", "pixels"]
BadgeState = Literal["exact", "refining", "lossy", "scaled", "unverified"]


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The display as the browser describes it. Sizes are in device pixels."""

    name: Name
    screen_width: Pixels
    screen_height: Pixels
    ratio: Annotated[float, msgspec.Meta(gt=0, le=64)]  # device pixels per CSS pixel
    colour_depth: Annotated[int, msgspec.Meta(ge=1, le=64)]  # bits per pixel
    gamut: Name
    high_dynamic_range: bool


class PatternResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers about one pattern.

    `state` is what the exactness badge showed while the person answered. `answers` says for each question, in
    the order of the page, whether the detail was visible.
    """

    pattern: PatternName
    state: BadgeState
    answers: Annotated[list[bool], msgspec.Meta(min_length=1, max_length=8)]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One search for a square of level `base + difference` on a background of level `base`.

    The square was in the quarter `place`; `answer` is the quarter that the person chose, or None if they saw
    no square.
    """

    base: Level
    difference: Annotated[int, msgspec.Meta(ge=-255, le=255)]
    place: Position
    answer: Position | None
    state: BadgeState


class CheckResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole result as the page sends it. `width` and `height` are the desktop's, in pixels."""

    desktop: Name
    width: Pixels
    height: Pixels
    device: Device
    patterns: Annotated[list[PatternResult], msgspec.Meta(min_length=1, max_length=PATTERNS_MAX)]
    trials: Annotated[list[Trial], msgspec.Meta(min_length=1, max_length=TRIALS_MAX)]

    @property
    def passed(self) -> bool:
        """Whether the display was always exact, every detail was seen and every threshold is low enough."""
        patterns = all(result.state == "exact" and all(result.answers) for result in self.patterns)
        exact = all(trial.state == "exact" for trial in self.trials)
        thresholds = self.thresholds()
        return (
            patterns
            and exact
            and all(
                (threshold := thresholds[number]) is not None and threshold <= limit
                for number, (_, limit) in enumerate(VISIBLE_DIFFERENCE_LIMITS)
            )
        )

    def thresholds(self) -> list[int | None]:
        """Returns the smallest difference that was found in each range of VISIBLE_DIFFERENCE_LIMITS.

        The ranges are near black, middle grey and near white. None means that no square was found there.
        """
        thresholds: list[int | None] = []
        start = 0
        for end, _ in VISIBLE_DIFFERENCE_LIMITS:
            found = [
                abs(trial.difference)
                for trial in self.trials
                if start <= trial.base < end and trial.answer == trial.place
            ]
            thresholds.append(min(found, default=None))
            start = end
        return thresholds


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A stored result, with the person it belongs to and the time in seconds since the epoch."""

    username: str
    checked_s: float
    passed: bool
    result: CheckResult


class DisplayChecks:
    """The results in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def add(self, username: str, result: CheckResult, *, origin: Origin = NOWHERE) -> StoredCheck:
        stored = StoredCheck(username, self._now_s(), result.passed, result)
        async with self._store.begin() as db:
            db.add(
                DisplayCheck(
                    username=username,
                    desktop=result.desktop,
                    checked_s=stored.checked_s,
                    passed=stored.passed,
                    result=msgspec.json.encode(result).decode(),
                )
            )
            entry = AuditEntry(
                stored.checked_s,
                Action.DISPLAY_CHECKED,
                account=username,
                address=origin.address,
                device=origin.device,
                object=f"display:{result.device.name}",
                reason="passed" if stored.passed else "not passed",
            )
            await append(db, entry)
        await self._store.save_copy()
        return stored

    async def list_newest(
        self, username: str | None = None, *, limit: int = LISTED_MAX
    ) -> Sequence[StoredCheck]:
        """Returns the results of one person, or of everybody, with the newest first."""
        query = select(DisplayCheck).order_by(DisplayCheck.checked_s.desc()).limit(limit)
        if username is not None:
            query = query.where(DisplayCheck.username == username)
        async with self._store.reading() as db:
            rows = (await db.scalars(query)).all()
        return [
            StoredCheck(
                row.username, row.checked_s, row.passed, msgspec.json.decode(row.result, type=CheckResult)
            )
            for row in rows
        ]


def as_dict(stored: StoredCheck) -> dict[str, object]:
    """Returns the result in the form that the API and `lightbox checks --json` emit."""
    fields: dict[str, object] = msgspec.to_builtins(stored.result)
    return {
        "username": stored.username,
        "checked_s": stored.checked_s,
        "passed": stored.passed,
        "thresholds": stored.result.thresholds(),
        **fields,
    }
