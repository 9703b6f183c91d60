"""Judges what was recorded during a silence or a grab. Pure; all times are in s since 1970."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Input that takes effect later than this after it was made, s, is late.
LATE_AFTER_S = 1.0
#: Input that may be on its way to the X server without an answer, s: one batch.
BATCH_S = 0.25
EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the page showed at a time: the badge's state, and the marker's number or another colour."""

    at_s: float
    badge: str
    marker: int


def late_inputs(made_s: Mapping[str, float], effects: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Returns which inputs took effect late, and when they were made, in the order in which they were made.

    `effects` are names of inputs with the times at which a program received them. Raises ValueError for an
    effect of an input that nobody made.
    """
    late: dict[str, float] = {}
    for name, at_s in effects:
        if name not in made_s:
            raise ValueError(f"{name} took effect, but nobody made it")
        if at_s - made_s[name] > LATE_AFTER_S:
            late[name] = made_s[name]
    return dict(sorted(late.items(), key=lambda item: item[1]))


def batches(made_s: Iterable[float]) -> int:
    """Returns how many batches hold the inputs that were made at these times."""
    count = 0
    began_s = float("-inf")
    for at_s in sorted(made_s):
        if at_s - began_s > BATCH_S:
            count += 1
            began_s = at_s
    return count


def longest_on_old_frame(samples: Sequence[Sample], drawn: Sequence[tuple[float, int]]) -> float:
    """Returns the greatest age of a frame that the badge called *exact*, s.

    `drawn` are the times at which the marker changed, and its new numbers. A frame with an earlier number is
    out of date since the next change.
    """
    times = [at_s for at_s, _ in drawn]
    position = {number: index for index, (_, number) in enumerate(drawn)}
    longest_s = 0.0
    for sample in samples:
        newest = bisect_right(times, sample.at_s) - 1
        shown = position.get(sample.marker, -1)  # -1: the frame is older than the first marker
        if sample.badge == EXACT and shown < newest:
            longest_s = max(longest_s, sample.at_s - times[shown + 1])
    return longest_s


def longest_without_input(
    samples: Sequence[Sample],
    made: Sequence[tuple[float, Hashable]],
    arrived: Sequence[tuple[float, Hashable]],
) -> float:
    """Returns the longest time for which input had no effect while the badge said *exact*, s.

    `made` are the times of inputs and the states into which they bring the desktop; `arrived` are the times
    at which the desktop had these states. The effect of a later input ends the wait for an earlier one,
    because motions replace each other.
    """
    effect_s = float("inf")
    effects_s: list[float] = []
    for made_s, state in reversed(made):
        seen_s = (at_s for at_s, other in arrived if other == state and at_s >= made_s)
        effect_s = min(effect_s, next(seen_s, float("inf")))
        effects_s.append(effect_s)
    longest_s = 0.0
    for (made_s, _), until_s in zip(made, reversed(effects_s), strict=True):
        waited = [s.at_s - made_s for s in samples if s.badge == EXACT and made_s < s.at_s < until_s]
        longest_s = max(longest_s, max(waited, default=0.0))
    return longest_s


def exact_fraction(samples: Sequence[Sample]) -> float:
    """Returns the fraction of samples in which the badge said *exact*. Raises ValueError without any."""
    if not samples:
        raise ValueError("the page recorded nothing")
    return sum(sample.badge == EXACT for sample in samples) / len(samples)


def exact_again_after(
    samples: Sequence[Sample], drawn: Sequence[tuple[float, int]], since_s: float
) -> float | None:
    """Returns how long after `since_s` the page first called a frame *exact* that was drawn later, s.

    None if it never did.
    """
    later = {number for at_s, number in drawn if at_s > since_s}
    found = (sample.at_s for sample in samples if sample.badge == EXACT and sample.marker in later)
    return next((at_s - since_s for at_s in found), None)


def typed_twice_or_out_of_order(sent: str, text: str) -> str:
    """Returns the characters of `text` that were not typed once and in the order of `sent`.

    All characters of `sent` differ. Some of them may be missing in `text`.
    """
    wrong = []
    last = -1
    for character in text:
        position = sent.find(character)
        if position <= last:
            wrong.append(character)
        last = max(last, position)
    return "".join(wrong)
