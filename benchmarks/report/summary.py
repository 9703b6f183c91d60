"""Generates the figures in README.md and docs/benchmarks.md from a run. They are never typed by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.bars import SCROLLING, SUBJECT, Bar, Verb, Verdict, active, judge
from benchmarks.report.markdown import QUIET_CORES, markdown_table
from benchmarks.report.results import Results
from benchmarks.report.subjects import explain, is_peer

BEGIN = "<!-- figures: made by `python -m benchmarks summary`; do not edit -->"
END = "<!-- end of figures -->"
#: Width at which text is wrapped, columns.
WIDTH = 110
#: Link from the README to the full table.
FULL_TABLE = "[docs/benchmarks.md](docs/benchmarks.md)"
#: The screenshot of the report, relative to the root of the tree.
SCREENSHOT = "docs/images/benchmarks.png"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the full table. `form` formats a value; fractions become percentages.

    `judged` rows are candidates for the worst result. A conditional figure, such as the error of the frames
    that were wrong, is no candidate.
    """

    case: str
    figure: str
    title: str
    form: str
    more_is_better: bool = False
    judged: bool = True


ROWS = (
    Row("click", "p50_ms", "click → canvas, median", "{:.1f} ms"),
    Row("click", "p90_ms", "click → canvas, 90th percentile", "{:.1f} ms"),
    Row("key", "p50_ms", "key → canvas, median", "{:.1f} ms"),
    Row("stack30", "shown_fraction", "MR stack at 30 slices/s: slices shown", "{:.1%}", more_is_better=True),
    Row("stack60", "shown_fraction", "MR stack at 60 slices/s: slices shown", "{:.1%}", more_is_better=True),
    Row("stack60", "exact_fraction", "MR stack at 60 slices/s: exact slices", "{:.1%}", more_is_better=True),
    Row("stack60", "down_mbps", "MR stack at 60 slices/s: rate to the browser", "{:.0f} Mbit/s"),
    Row("stack60", "down_kb_per_slice", "MR stack at 60 slices/s: per slice shown", "{:.0f} kB"),
    Row("stack60", "server_cores", "MR stack at 60 slices/s: server CPU", "{:.2f} cores"),
    Row("stack60", "server_ms_per_slice", "MR stack at 60 slices/s: server CPU per slice shown", "{:.1f} ms"),
    Row("pan30", "shown_fraction", "radiograph panned at 30/s: frames shown", "{:.1%}", more_is_better=True),
    Row(
        "terminal30",
        "shown_fraction",
        "terminal scrolling at 30/s: frames shown",
        "{:.1%}",
        more_is_better=True,
    ),
    Row("terminal30", "psnr_db", "terminal scrolling: PSNR of wrong frames", "{:.0f} dB", judged=False),
    Row("video30", "shown_fraction", "1080p film at 30/s: frames shown", "{:.1%}", more_is_better=True),
    Row("video30", "psnr_db", "1080p film: PSNR of wrong frames", "{:.1f} dB", judged=False),
    Row("video30", "steady_mbps", "1080p film: rate after the first second", "{:.1f} Mbit/s"),
    Row("scroll-back", "back_ratio", "scrolling back: bytes, of those of the first pass", "{:.1%}"),
    Row("idle", "server_cores", "idle with a blinking caret: server CPU", "{:.3f} cores"),
)

#: Rows of the README by case and figure, with the peer to compare with. The worst result is added to them.
HEADLINES = (
    ("click", "p50_ms", "novnc"),
    ("stack60", "shown_fraction", "novnc-lossless"),
    ("stack60", "exact_fraction", "novnc"),
    ("stack60", "down_kb_per_slice", "novnc-lossless"),
)


@dataclass(frozen=True, slots=True)
class Against:
    """A figure of Lightbox beside that of a peer. `times_worse` is above 1 where the peer is better."""

    row: Row
    peer: str
    value: float
    peer_value: float

    @property
    def times_worse(self) -> float:
        if not self.value or not self.peer_value:
            return 0.0
        ratio = self.value / self.peer_value
        return 1 / ratio if self.row.more_is_better else ratio


def require_clean(results: Results) -> None:
    """Raises ValueError unless the run measured a clean, known commit: only such figures are published."""
    if not results.tree.clean:
        raise ValueError(
            f"the run measured tree {results.tree.described!r}: only runs of a clean commit are published"
        )


def headlines(results: Results) -> str:
    """Returns the README's block: four figures and the worst result, each with its peer and its rounds."""
    found = [against for wanted in HEADLINES if (against := _against(results, *wanted)) is not None]
    worst = worst_result(results)
    rows = [["figure", "Lightbox", "peer", "Lightbox ÷ peer", "rounds"]]
    rows += [_headline(results, against, against.row.title) for against in found]
    if worst is not None:
        rows.append(_headline(results, worst, f"**worst result:** {worst.row.title}"))
    named = dict.fromkeys(against.peer for against in (*found, *([worst] if worst else ())))
    lines = [BEGIN, markdown_table(rows), "", _machine(results), *_explained(named)]
    lines += [
        "",
        _wrapped(f"All figures, and the bars that were reached, missed and not measured: {FULL_TABLE}."),
    ]
    return "\n".join([*lines, END])


def _headline(results: Results, against: Against, title: str) -> list[str]:
    row = against.row
    rounds = min(results.rounds(subject, row.case, row.figure) for subject in (SUBJECT, against.peer))
    ratio = f"{against.value / against.peer_value:.2g}" if against.peer_value else "–"
    peer = f"{row.form.format(against.peer_value)} ({against.peer})"
    return [title, row.form.format(against.value), peer, ratio, str(rounds)]


def _against(results: Results, case: str, figure: str, peer: str) -> Against | None:
    row = next(row for row in ROWS if (row.case, row.figure) == (case, figure))
    value, peer_value = (results.figure(subject, case, figure) for subject in (SUBJECT, peer))
    if value is None or peer_value is None:
        return None
    return Against(row, peer, value, peer_value)


def worst_result(results: Results) -> Against | None:
    """Returns the figure of the full table in which Lightbox is furthest behind any peer, or None."""
    peers = [subject for subject in results.subjects() if is_peer(subject)]
    candidates = [
        against
        for row in ROWS
        if row.judged
        for peer in peers
        if (against := _against(results, row.case, row.figure, peer)) is not None
    ]
    return max(candidates, key=lambda against: against.times_worse, default=None)


def full_table(results: Results, bars: Sequence[Bar]) -> str:
    """Returns the block of docs/benchmarks.md: all subjects, all bars, and what was not measured."""
    subjects = [
        subject
        for subject in results.subjects()
        if any(results.figure(subject, row.case, row.figure) is not None for row in ROWS)
    ]
    lines = [BEGIN, _machine(results), *_explained(subjects)]
    rows = [["", *subjects]]
    for row in ROWS:
        values = [results.figure(subject, row.case, row.figure) for subject in subjects]
        if any(value is not None for value in values):
            rows.append([row.title, *("–" if value is None else row.form.format(value) for value in values)])
    if len(rows) > 1:
        lines += ["", markdown_table(rows)]
    lines += _clicks_over_links(results)
    lines += _bars(judge(results, [bar for bar in active(bars) if bar.verb is Verb.BENCH]))
    failures = [f"- {name}: {reason}" for name, reason in (results.missing | results.failed).items()]
    if failures:
        lines += ["", "Missing or failed:", "", *failures]
    return "\n".join([*lines, END])


def _clicks_over_links(results: Results) -> Iterator[str]:
    for link in ("20", "5"):
        found = {subject: results.figure(subject, *SCROLLING, link) for subject in results.subjects()}
        measured = [f"{subject} {value:.0f} ms" for subject, value in found.items() if value is not None]
        if len(measured) > 1:
            yield ""
            yield _wrapped(
                f"Click → canvas while a stack scrolls, 95th percentile over {link} Mbit/s: "
                f"{', '.join(measured)}."
            )


def _bars(verdicts: Sequence[Verdict]) -> Iterator[str]:
    measured = [verdict for verdict in verdicts if verdict.passed is not None]
    reached = sum(bool(verdict.passed) for verdict in measured)
    yield ""
    yield _wrapped(
        f"Of the {len(verdicts)} bars of `benchmarks/bars.toml` for benchmark cases, this run measured "
        f"{len(measured)} and reached {reached}."
    )
    yield ""
    words = {True: "reached", False: "**missed**", None: "not measured"}
    rows = [["bar", "bound", "this run", ""]]
    for verdict in verdicts:
        value = "–" if verdict.value is None else f"{verdict.value:.3g}"
        rows.append([verdict.bar.question, verdict.bar.bound, value, words[verdict.passed]])
    yield markdown_table(rows)


def _explained(subjects: Sequence[str] | dict[str, None]) -> Iterator[str]:
    yield ""
    for subject in subjects:
        yield _wrapped(f"- `{subject}`: {explain(subject)}.", indent="  ")


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _machine(results: Results) -> str:
    machine, busy = results.machine, results.foreign_cores()
    rounds = 1 + max((sample.round for sample in results.samples), default=0)
    text = (
        f"Measured on {results.started[:10]} at commit {results.tree.described} on "
        f"{machine.get('cores', '?')} cores ({machine.get('cpu', '?')}) with Chromium "
        f"{machine.get('chromium', '?')}, headless, 1920 × 1080, over loopback. Medians of up to {rounds} "
        "rounds; exactness is measured in one round."
    )
    if busy > QUIET_CORES:
        text += f" The machine was not quiet: other programs used up to {busy:.2f} cores during a case."
    return _wrapped(text)


def replace_block(document: str, block: str) -> str:
    """Replaces the block between the markers of a document. Raises ValueError if it has no markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the file has no block between {BEGIN!r} and {END!r}")
    return before + block + after
