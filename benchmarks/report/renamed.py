"""Translates names of figures, series and cases in result files of version 1 to the names of today."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Cases that have another name today.
CASES = {"open": "open-running", "cold-open": "open-cold"}

#: Figures and series that have another name today. A figure of one monitor has its number at the end.
NAMES = {
    "shown_share": "shown_fraction",
    "checked_shown_share": "checked_shown_fraction",
    "exact_share": "exact_fraction",
    "wrong_pixel_share": "wrong_pixel_fraction",
    "back_share": "back_ratio",
    "gateway_share": "gateway_cpu_ratio",
    "cost_share": "cost_fraction",
    "exact_at_first_sight": "exact_on_first_read",
    "stop_to_exact_beyond_bytes_ms": "stop_to_exact_minus_transfer_ms",
    "playing_per_s": "steady_shown_per_s",
    "moving_mbps": "steady_mbps",
    "checked_moving_mbps": "checked_steady_mbps",
    "gap_ms": "frame_interval_ms",
    "gap_p50_ms": "frame_interval_p50_ms",
    "gap_p90_ms": "frame_interval_p90_ms",
    "gap_max_ms": "frame_interval_max_ms",
    "checked_gap_p90_ms": "checked_frame_interval_p90_ms",
    "checked_gap_max_ms": "checked_frame_interval_max_ms",
    "poll_gap_p50_ms": "poll_interval_p50_ms",
    "poll_gap_p90_ms": "poll_interval_p90_ms",
    "freeze_max_ms": "stall_max_ms",
    "freeze_at_s": "stall_at_s",
    "freezes": "stalls",
    "freeze_later_max_ms": "stall_later_max_ms",
    "queue_wide_p95_ms": "queue_before_drop_p95_ms",
    "wide_mbps": "before_drop_mbps",
    "narrow_mbps": "during_drop_mbps",
    "wide_again_mbps": "after_drop_mbps",
    "shown_per_s_wide": "shown_per_s_before_drop",
    "shown_per_s_narrow": "shown_per_s_during_drop",
    "shown_per_s_wide_again": "shown_per_s_after_drop",
    "beside_idle_per_s": "with_idle_per_s",
    "browser_with_two_mb": "browser_two_monitors_mb",
    "door_p50_ms": "gateway_p50_ms",
    "door_ms": "gateway_ms",
}
#: The role that supervises a desktop, as it was called in names such as `keeper_mb`.
_OLD_ROLE = re.compile(r"\bkeeper_")
_MONITOR = re.compile(r"_\d+$")


def rename(name: str) -> str:
    """Returns today's name of a figure or series."""
    name = _OLD_ROLE.sub("supervisor_", name)
    suffix = found.group() if (found := _MONITOR.search(name)) else ""
    stem = name.removesuffix(suffix)
    return NAMES.get(stem, stem) + suffix


def rename_sample(
    case: str, turn: int, figures: Mapping[str, float], series: Mapping[str, list[float]]
) -> tuple[str, int, dict[str, float], dict[str, list[float]]]:
    """Translates the names in one sample."""
    return (
        CASES.get(case, case),
        turn,
        {rename(name): value for name, value in figures.items()},
        {rename(name): values for name, values in series.items()},
    )
