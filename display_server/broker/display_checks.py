"""Results of display checks: what they say, how they are judged, and where they are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from sqlalchemy import select

from display_server.broker.store import Store
from display_server.broker.tables import DisplayCheck

#: What a result may list: there are four patterns, and few trials.
PATTERNS_MAX, TRIALS_MAX = 16, 64
#: The smallest difference that must be seen around each level, of 255: about one just noticeable step of
#: DICOM's grey scale for a calibrated display near black, less elsewhere. Ours, not a standard's.
SEEN_BY_LEVEL = ((64, 6), (192, 4), (256, 4))
#: Results that a list gives at most.
LISTED_MAX = 1000

Name = Annotated[str, msgspec.Meta(max_length=64)]
Level = Annotated[int, msgspec.Meta(ge=0, le=255)]
Place = Annotated[int, msgspec.Meta(ge=0, le=3)]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
PatternName = Literal["tg18-qc", "tg270-sqc", "smpte", "pixels"]
PictureState = Literal["exact", "refining", "lossy", "scaled", "unverified"]


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The display as the browser describes it. Sizes in device pixels."""

    name: Name
    screen_width: Pixels
    screen_height: Pixels
    ratio: Annotated[float, msgspec.Meta(gt=0, le=64)]
    colour_depth: Annotated[int, msgspec.Meta(ge=1, le=64)]
    gamut: Name
    high_dynamic_range: bool


class PatternSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`state` is the badge's while the person answered; `answers` are theirs, in the order asked."""

    pattern: PatternName
    state: PictureState
    answers: Annotated[list[bool], msgspec.Meta(min_length=1, max_length=8)]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A square of `base + difference` was at `place`; the person pointed at `answer`, or saw none."""

    base: Level
    difference: Annotated[int, msgspec.Meta(ge=-255, le=255)]
    place: Place
    answer: Place | None
    state: PictureState


class CheckResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    desktop: Name
    width: Pixels
    height: Pixels
    device: Device
    patterns: Annotated[list[PatternSeen], msgspec.Meta(min_length=1, max_length=PATTERNS_MAX)]
    trials: Annotated[list[Trial], msgspec.Meta(min_length=1, max_length=TRIALS_MAX)]

    @property
    def passed(self) -> bool:
        """Everything was proven exact and seen, and small enough differences were found everywhere."""
        patterns = all(seen.state == "exact" and all(seen.answers) for seen in self.patterns)
        exact = all(trial.state == "exact" for trial in self.trials)
        thresholds = self.thresholds()
        return (
            patterns
            and exact
            and all(
                (seen := thresholds[number]) is not None and seen <= limit
                for number, (_, limit) in enumerate(SEEN_BY_LEVEL)
            )
        )

    def thresholds(self) -> list[int | None]:
        """The smallest difference found near black, in the middle and near white; None where none was."""
        found: list[int | None] = []
        start = 0
        for end, _ in SEEN_BY_LEVEL:
            seen = [
                abs(trial.difference)
                for trial in self.trials
                if start <= trial.base < end and trial.answer == trial.place
            ]
            found.append(min(seen, default=None))
            start = end
        return found


@dataclass(frozen=True, slots=True)
class StoredCheck:
    username: str
    checked_s: float
    passed: bool
    result: CheckResult


class Checks:
    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def add(self, username: str, result: CheckResult) -> StoredCheck:
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
        return stored

    async def newest(self, username: str | None = None, *, limit: int = LISTED_MAX) -> Sequence[StoredCheck]:
        """The newest first; of one person, or of all."""
        wanted = select(DisplayCheck).order_by(DisplayCheck.checked_s.desc()).limit(limit)
        if username is not None:
            wanted = wanted.where(DisplayCheck.username == username)
        async with self._store.begin() as db:
            rows = (await db.scalars(wanted)).all()
        return [
            StoredCheck(
                row.username, row.checked_s, row.passed, msgspec.json.decode(row.result, type=CheckResult)
            )
            for row in rows
        ]


def as_dict(stored: StoredCheck) -> dict[str, object]:
    """Ready to become JSON."""
    plain: dict[str, object] = msgspec.to_builtins(stored.result)
    return {
        "username": stored.username,
        "checked_s": stored.checked_s,
        "passed": stored.passed,
        "thresholds": stored.result.thresholds(),
        **plain,
    }
