"""Generates the report of a run as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.bars import SUBJECT, Verb, active, judge
from benchmarks.report.registry import registered_bars
from benchmarks.report.results import Results

#: A run is provisional if other programs used more CPU than this during a case, in cores.
QUIET_CORES = 0.15

#: Rows of the report: case, figure, title and decimals.
ROWS: tuple[tuple[str, str, str, int], ...] = (
    ("click", "p50_ms", "click → canvas p50, ms", 1),
    ("click", "p90_ms", "click → canvas p90, ms", 1),
    ("stack30", "shown_fraction", "stack 30/s: shown", 3),
    ("stack30", "exact_fraction", "stack 30/s: exact, of those shown", 3),
    ("stack30", "delay_p50_ms", "stack 30/s: drawn → shown p50, ms", 1),
    ("stack30", "down_mbps", "stack 30/s: Mbit/s", 1),
    ("stack30", "server_cores", "stack 30/s: server cores, including the X server", 2),
    ("stack30", "down_kb_per_slice", "stack 30/s: kB per slice shown", 0),
    ("stack30", "server_ms_per_slice", "stack 30/s: server CPU per slice shown, ms", 1),
    ("stack30", "x_server_cores", "stack 30/s: cores of the X server", 2),
    ("stack30", "browser_cores", "stack 30/s: browser cores", 2),
    ("stack60", "shown_fraction", "stack 60/s: shown", 3),
    ("stack60", "exact_fraction", "stack 60/s: exact, of those shown", 3),
    ("stack60", "wrong_pixel_fraction", "stack 60/s: wrong pixels of a wrong slice", 3),
    ("stack60", "max_error_levels", "stack 60/s: greatest error, levels", 0),
    ("stack60", "exact_at_rest", "stack 60/s: exact at rest", 0),
    ("stack60", "delay_p50_ms", "stack 60/s: drawn → shown p50, ms", 1),
    ("stack60", "down_mbps", "stack 60/s: Mbit/s", 1),
    ("stack60", "server_cores", "stack 60/s: server cores, including the X server", 2),
    ("stack60", "down_kb_per_slice", "stack 60/s: kB per slice shown", 0),
    ("stack60", "server_ms_per_slice", "stack 60/s: server CPU per slice shown, ms", 1),
    ("stack60", "x_server_cores", "stack 60/s: cores of the X server", 2),
    ("stack60", "browser_cores", "stack 60/s: browser cores", 2),
    ("scroll-back", "back_ratio", "scrolling back: bytes, divided by the first pass", 3),
    ("scroll-back", "exact_fraction", "scrolling back: exact, of those shown", 3),
    ("open-running", "open_ms", "opening a running desktop, ms", 0),
    ("open-cold", "cold_open_ms", "opening a desktop that has to be started, ms", 0),
    ("relay", "added_p50_ms", "gateway: added to a round trip p50, ms", 2),
    ("idle", "server_cores", "idle with a caret: server cores", 4),
    ("idle", "down_bytes_per_s", "idle with a caret: bytes/s", 0),
    ("memory", "peak_agent_mb", "agent memory after minutes, MB", 0),
)


def report(results: Results) -> str:
    """Returns the report: machine and versions, the table of subjects, the bars, and what is missing."""
    parts = [_head(results), _table(results)]
    if SUBJECT in results.subjects():
        parts.append(_bars(results))
    missing = [f"- **{name} is missing**: {reason}" for name, reason in results.missing.items()]
    missing += [f"- {name}: not applicable, {reason}" for name, reason in results.not_applicable.items()]
    missing += [f"- **{name} failed**: {reason}" for name, reason in results.failed.items()]
    if missing:
        parts.append("\n".join(missing))
    return "\n\n".join(parts) + "\n"


def _head(results: Results) -> str:
    machine = results.machine
    rounds = 1 + max((sample.round for sample in results.samples), default=0)
    lines = [
        f"{results.started} · commit {results.tree.described} · {machine['cores']} cores, {machine['cpu']} · "
        f"Chromium {machine.get('chromium', '?')} headless · 1920×1080 over loopback · "
        f"{rounds} rounds, subjects interleaved; medians over rounds, minimum and maximum in brackets."
    ]
    busy = results.foreign_cores()
    if busy > QUIET_CORES:
        lines.append(
            "**Provisional: the machine was busy.** Other programs used up to "
            f"{busy:.2f} cores during a case."
        )
    for subject, facts in results.facts.items():
        lines.append(f"- {subject}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    return "\n".join(lines)


def _table(results: Results) -> str:
    subjects = results.subjects()
    rows = [["", *subjects]]
    for case, figure, title, decimals in ROWS:
        cells = [_cell(results, subject, case, figure, decimals) for subject in subjects]
        if any(cell != "–" for cell in cells):
            rows.append([title, *cells])
    return markdown_table(rows)


def _cell(results: Results, subject: str, case: str, figure: str, decimals: int) -> str:
    value = results.figure(subject, case, figure)
    if value is None:
        return "–"
    spread = results.values(subject, case, figure)
    text = f"{value:.{decimals}f}"
    if len(spread) > 1 and min(spread) != max(spread):
        text += f" ({min(spread):.{decimals}f}–{max(spread):.{decimals}f})"
    return text


def _bars(results: Results) -> str:
    rows = [["bar", "bound", "this run", ""]]
    bars = [bar for bar in active(registered_bars()) if bar.verb is Verb.BENCH]
    for verdict in judge(results, bars):
        value = "not measured" if verdict.value is None else f"{verdict.value:.3g}"
        verdict_text = {True: "reached", False: "**MISSED**", None: "–"}[verdict.passed]
        rows.append([verdict.bar.question, verdict.bar.bound, value, verdict_text])
    return markdown_table(rows)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table. The first row is the head."""
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)
