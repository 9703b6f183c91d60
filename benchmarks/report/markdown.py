"""The report as Markdown: generated, never typed."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.bars import SUBJECT, Bar, judge
from benchmarks.report.results import Results

#: More of the machine in other hands than this, in cores, and a run calls itself provisional.
QUIET_CORES = 0.15

#: case → (figure, title, decimals), in the order of the report.
ROWS: tuple[tuple[str, str, str, int], ...] = (
    ("click", "p50_ms", "click → canvas p50, ms", 1),
    ("click", "p90_ms", "click → canvas p90, ms", 1),
    ("stack30", "shown_share", "stack 30/s: shown", 3),
    ("stack30", "exact_share", "stack 30/s: exact, of those shown", 3),
    ("stack30", "delay_p50_ms", "stack 30/s: drawn → shown p50, ms", 1),
    ("stack30", "down_mbps", "stack 30/s: Mbit/s", 1),
    ("stack30", "server_cores", "stack 30/s: server cores, X server included", 2),
    ("stack30", "down_kb_per_slice", "stack 30/s: kB for each slice shown", 0),
    ("stack30", "server_ms_per_slice", "stack 30/s: server CPU for each slice shown, ms", 1),
    ("stack30", "x_server_cores", "stack 30/s: of these the X server", 2),
    ("stack30", "browser_cores", "stack 30/s: browser cores", 2),
    ("stack60", "shown_share", "stack 60/s: shown", 3),
    ("stack60", "exact_share", "stack 60/s: exact, of those shown", 3),
    ("stack60", "wrong_pixel_share", "stack 60/s: wrong pixels of a wrong slice", 3),
    ("stack60", "max_error_levels", "stack 60/s: greatest error, levels", 0),
    ("stack60", "exact_at_rest", "stack 60/s: exact at rest", 0),
    ("stack60", "delay_p50_ms", "stack 60/s: drawn → shown p50, ms", 1),
    ("stack60", "down_mbps", "stack 60/s: Mbit/s", 1),
    ("stack60", "server_cores", "stack 60/s: server cores, X server included", 2),
    ("stack60", "down_kb_per_slice", "stack 60/s: kB for each slice shown", 0),
    ("stack60", "server_ms_per_slice", "stack 60/s: server CPU for each slice shown, ms", 1),
    ("stack60", "x_server_cores", "stack 60/s: of these the X server", 2),
    ("stack60", "browser_cores", "stack 60/s: browser cores", 2),
    ("scroll-back", "back_share", "scroll back: bytes, to the first pass", 3),
    ("scroll-back", "exact_share", "scroll back: exact, of those shown", 3),
    ("open", "open_ms", "open a ready desktop, ms", 0),
    ("cold-open", "cold_open_ms", "open a cold desktop, ms", 0),
    ("relay", "added_p50_ms", "gateway: added to a round trip, ms p50", 2),
    ("idle", "server_cores", "idle with caret: server cores", 4),
    ("idle", "down_bytes_per_s", "idle with caret: bytes/s", 0),
    ("memory", "peak_agent_mb", "agent memory after minutes, MB", 0),
)


def report(results: Results) -> str:
    """Head, table of subjects, bars, what is missing."""
    parts = [_head(results), _table(results)]
    if SUBJECT in results.subjects():
        parts.append(_bars(results))
    missing = [f"- **{name} is missing**: {why}" for name, why in results.missing.items()]
    missing += [f"- {what}: not applicable, {why}" for what, why in results.not_applicable.items()]
    missing += [f"- **{what} failed**: {why}" for what, why in results.failed.items()]
    if missing:
        parts.append("\n".join(missing))
    return "\n\n".join(parts) + "\n"


def _head(results: Results) -> str:
    machine = results.machine
    rounds = 1 + max((sample.round for sample in results.samples), default=0)
    lines = [
        f"{results.started} · {machine['cores']} cores, {machine['cpu']} · "
        f"Chromium {machine.get('chromium', '?')} headless · 1920×1080 over loopback · "
        f"{rounds} rounds, subjects interleaved; medians over rounds, lowest and highest in brackets."
    ]
    busy = results.foreign_cores()
    if busy > QUIET_CORES:
        lines.append(
            f"**Provisional: the machine was busy.** Other programs took up to {busy:.2f} cores in a case."
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
    return _markdown_table(rows)


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
    rows = [["Lightbox's bars", "bar", "this run", ""]]
    for verdict in judge(results):
        bar = verdict.bar
        limit = limit_of(bar)
        value = "not measured" if verdict.value is None else f"{verdict.value:.3g}"
        verdict_text = {True: "pass", False: "**FAIL**", None: "–"}[verdict.passed]
        rows.append([bar.title, limit, value, verdict_text])
    return _markdown_table(rows)


def limit_of(bar: Bar) -> str:
    return f"≤ {bar.most:g}" if bar.most is not None else f"≥ {bar.least:g}"


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)
