"""What the README says of a run: generated between two markers, never typed."""

from __future__ import annotations

from benchmarks.report.bars import MOTION_BARS, SCROLLING, judge
from benchmarks.report.markdown import QUIET_CORES, limit_of
from benchmarks.report.results import Results

BEGIN = "<!-- figures: made by `python -m benchmarks summary`; do not edit -->"
END = "<!-- end of figures -->"
#: case, figure, title, form; a share is told in per cent.
ROWS = (
    ("click", "p50_ms", "click → surface, p50", "{:.1f} ms"),
    ("click", "p90_ms", "click → surface, p90", "{:.1f} ms"),
    ("key", "p50_ms", "key → surface, p50", "{:.1f} ms"),
    ("stack30", "shown_share", "MR stack 30/s: slices shown", "{:.1%}"),
    ("stack60", "shown_share", "MR stack 60/s: slices shown", "{:.1%}"),
    ("stack60", "exact_share", "of these exact, pixel for pixel", "{:.1%}"),
    ("stack60", "down_mbps", "MR stack 60/s: Mbit/s", "{:.0f}"),
    ("stack60", "down_kb_per_slice", "kB for each slice shown", "{:.0f}"),
    ("stack60", "server_cores", "MR stack 60/s: server cores", "{:.2f}"),
    ("stack60", "server_ms_per_slice", "server CPU for each slice shown", "{:.1f} ms"),
    ("pan30", "shown_share", "radiograph panned 30/s: shown", "{:.1%}"),
    ("terminal30", "shown_share", "terminal scrolling 30/s: shown", "{:.1%}"),
    ("terminal30", "psnr_db", "its wrong frames: PSNR", "{:.0f} dB"),
    ("video30", "shown_share", "1080p video 30/s: shown", "{:.1%}"),
    ("video30", "psnr_db", "its wrong frames: PSNR", "{:.1f} dB"),
    ("video30", "moving_mbps", "Mbit/s while it plays", "{:.1f}"),
    ("scroll-back", "back_share", "scrolling back: bytes, to the first pass", "{:.1%}"),
    ("idle", "server_cores", "idle with a blinking caret: server cores", "{:.3f}"),
)


#: Where the picture of the report lies, beside the README.
PICTURE = "docs/images/benchmarks.png"


def summary(results: Results) -> str:
    """The block with its markers. Loopback but for video; the page has all links."""
    told = [(case, figure) for case, figure, *_ in ROWS]
    subjects = [s for s in results.subjects() if any(results.figure(s, *row) is not None for row in told)]
    lines = [BEGIN, _machine(results)]
    if subjects:
        lines += ["", "| | " + " | ".join(subjects) + " |", "|---" * (len(subjects) + 1) + "|"]
    for case, figure, title, form in ROWS:
        values = [results.figure(subject, case, figure) for subject in subjects]
        if any(value is not None for value in values):
            cells = [form.format(value) if value is not None else "–" for value in values]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lines += _motion(results)
    verdicts = [verdict for verdict in judge(results) if verdict.passed is not None]
    missed = [f"{v.bar.title} ({v.value:.2f})" for v in verdicts if not v.passed]
    lines += ["", f"Of {len(verdicts)} bars this run passed {len(verdicts) - len(missed)}."]
    if missed:
        lines[-1] += " Missed: " + "; ".join(missed) + "."
    missing = [f"{name} ({why})" for name, why in (results.missing | results.failed).items()]
    if missing:
        lines += ["", "Not measured: " + "; ".join(missing) + "."]
    lines += ["", f"![The same run as a page: smooth and exact, and latency]({PICTURE})"]
    return "\n".join([*lines, END])


def _motion(results: Results) -> list[str]:
    """Video for what moves, and links: each of its bars that was measured."""
    verdicts = [verdict for verdict in judge(results, bars=MOTION_BARS) if verdict.value is not None]
    if not verdicts:
        return []
    lines = ["", "| video for what moves | bar | Lightbox | |", "|---|---|---|---|"]
    for verdict in verdicts:
        word = "reached" if verdict.passed else "missed"
        lines.append(f"| {verdict.bar.title} | {limit_of(verdict.bar)} | {verdict.value:.3g} | {word} |")
    for link, title in (("20", "20 Mbit/s"), ("5", "5 Mbit/s")):
        found = {s: results.figure(s, *SCROLLING, link) for s in results.subjects()}
        told = [f"{subject} {value:.0f} ms" for subject, value in found.items() if value is not None]
        if len(told) > 1:
            lines += ["", f"Click → surface p95 while a stack scrolls over {title}: {', '.join(told)}."]
    return lines


def _machine(results: Results) -> str:
    machine, busy = results.machine, results.foreign_cores()
    text = (
        f"{machine.get('cores', '?')} cores ({machine.get('cpu', '?')}), Chromium "
        f"{machine.get('chromium', '?')} headless, 1920 × 1080, loopback, {results.started[:10]}; medians."
    )
    if busy > QUIET_CORES:
        text += f" The machine was not quiet: other programs took up to {busy:.2f} cores in a case."
    return text


def put_into(readme: str, block: str) -> str:
    """The README with the block in place of the one before. Raises ValueError where the markers are not."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the file has no block between {BEGIN!r} and {END!r}")
    return before + block + after
