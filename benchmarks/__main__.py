"""Measures browser remote desktops: `python -m benchmarks COMMAND`, see benchmarks/README.md."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.acceptance.accept import bars_to_measure, exit_code, measure_bars, table
from benchmarks.cases.case import Effort
from benchmarks.links.link import HELP, LOOPBACK, parse_link
from benchmarks.micro import parts
from benchmarks.report.bars import SUBJECT
from benchmarks.report.compare import (
    as_subject,
    compare,
    comparison_page,
    only_cases,
    regressions,
    require_rounds,
)
from benchmarks.report.markdown import QUIET_CORES, report
from benchmarks.report.page import page
from benchmarks.report.registry import registered_bars
from benchmarks.report.results import Results, load
from benchmarks.report.screenshot import take_screenshot
from benchmarks.report.summary import SCREENSHOT, full_table, headlines, replace_block, require_clean
from benchmarks.run import (
    CASES,
    ONLY_BY_NAME,
    QUICK_CASES,
    QUICK_SUBJECTS,
    SUBJECTS,
    extend_results,
    new_results,
    run,
)
from benchmarks.scale.curves import curves
from benchmarks.scale.desktops import desktops

#: Default folder of results.
OUT = Path(__file__).parent / "out"


def arguments() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands.add_parser("run", help="measure cases; a quick run of a few minutes by default"))
    _add_scale(commands.add_parser("scale", help="add desktops on this host until clicks become slow"))
    _add_acceptance(commands.add_parser("acceptance", help="measure registered bars and give verdicts"))
    summaries = commands.add_parser("summary", help="write a result's figures into README.md and docs")
    summaries.add_argument("results", type=Path)
    summaries.add_argument("--readme", type=Path, default=Path("README.md"))
    summaries.add_argument("--docs", type=Path, default=Path("docs/benchmarks.md"))
    reports = commands.add_parser("report", help="generate the page of a result of run --json")
    reports.add_argument("results", type=Path)
    reports.add_argument("html", type=Path)
    compares = commands.add_parser("compare", help="compare two results of run --json")
    compares.add_argument("before", type=Path)
    compares.add_argument("after", type=Path)
    compares.add_argument("--case", action="append", choices=CASES, help="compare only this case; repeatable")
    compares.add_argument("--rounds", type=int, default=1, help="fewest rounds that each --case must have")
    compares.add_argument(
        "--subjects",
        nargs=2,
        metavar=("BEFORE", "AFTER"),
        default=(SUBJECT, SUBJECT),
        help="compare these subjects of the two results, which may be the same file",
    )
    compares.add_argument("--html", type=Path, metavar="OUT", help="write the comparison as a page too")
    micros = commands.add_parser("micro", help="measure single components against their limits")
    micros.add_argument("part", nargs="*", help=f"{', '.join(parts.PARTS)}; all by default")
    micros.add_argument("--json", type=Path, metavar="OUT", help="write a result")
    micros.add_argument("--add", action="store_true", help="keep what the JSON file contains already")
    return parser


def _add_run(runs: argparse.ArgumentParser) -> None:
    runs.add_argument("--case", action="append", choices=CASES, help="a case; repeatable")
    runs.add_argument("--peer", action="append", choices=SUBJECTS, help="a subject; repeatable")
    runs.add_argument("--add", action="store_true", help="add to what the JSON file contains already")
    runs.add_argument("--all", action="store_true", help="every case and every subject; takes an hour")
    runs.add_argument("--link", action="append", metavar="LINK", help=HELP.replace("%", "%%"))
    _add_effort(runs, rounds=1)
    runs.add_argument("--json", type=Path, default=OUT / "results.json", metavar="OUT")
    runs.add_argument("--md", type=Path, default=OUT / "results.md", metavar="OUT")
    runs.add_argument("--html", type=Path, default=OUT / "results.html", metavar="OUT")


def _add_scale(scales: argparse.ArgumentParser) -> None:
    scales.add_argument("--max", type=int, default=16, help="most desktops")
    scales.add_argument("--clicks", type=int, default=40)
    scales.add_argument("--seconds", type=float, default=Effort().seconds)
    scales.add_argument("--add", action="store_true", help="add to what the JSON file contains already")
    scales.add_argument("--json", type=Path, default=OUT / "scale.json", metavar="OUT")


def _add_acceptance(acceptances: argparse.ArgumentParser) -> None:
    acceptances.add_argument(
        "bar", nargs="*", help="ids of bars.toml; by default all with the verbs acceptance and bench"
    )
    _add_effort(acceptances, rounds=3, minutes=10.0)
    acceptances.add_argument("--json", type=Path, default=OUT / "acceptance.json", metavar="OUT")


def _add_effort(parser: argparse.ArgumentParser, *, rounds: int, minutes: float = 0.0) -> None:
    parser.add_argument("--rounds", type=int, default=rounds, help="each has new desktops and browsers")
    parser.add_argument("--seconds", type=float, default=Effort().seconds, help="length of a pass")
    parser.add_argument("--clicks", type=int, default=Effort().clicks, help="clicks per round")
    parser.add_argument("--minutes", type=float, default=minutes, help="scrolling in the case memory")


def main() -> int:
    options = arguments().parse_args()
    # SIGTERM unwinds the stack like Ctrl-C, so that every process that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return COMMANDS[options.command](options)
    except ValueError as error:  # an invalid file or argument
        print(error, file=sys.stderr)
        return 2


def _effort(options: argparse.Namespace) -> Effort:
    return Effort(
        seconds=options.seconds,
        clicks=options.clicks,
        idle_seconds=max(Effort().idle_seconds, options.seconds),
        memory_minutes=options.minutes,
    )


def _run(options: argparse.Namespace) -> int:
    links = [parse_link(text) for text in options.link or [LOOPBACK.name]]
    cases = options.case or list(CASES if options.all else QUICK_CASES)
    all_subjects = [name for name in SUBJECTS if name not in ONLY_BY_NAME]
    subjects = options.peer or list(all_subjects if options.all else QUICK_SUBJECTS)
    results = _results_to_extend(options)
    try:
        ordered = [case for case in CASES if case in cases]
        run(subjects, ordered, links, options.rounds, _effort(options), results)
    finally:
        results.save(options.json)
        _write(options.md, report(results))
        _write(options.html, page(results, options.json.name))
        print(report(results))
    return 1 if results.failed else 0


def _scale(options: argparse.Namespace) -> int:
    results = _results_to_extend(options)
    effort = Effort(seconds=options.seconds, clicks=options.clicks)
    try:
        desktops(options.max, effort, results)
        curves(effort, results)
    finally:
        results.save(options.json)
    return 1 if results.failed else 0


def _acceptance(options: argparse.Namespace) -> int:
    """Returns 0 if every bar was measured and reached, otherwise 1."""
    registered = registered_bars()
    bars = bars_to_measure(registered, options.bar)
    results = new_results()
    named = bool(options.bar)
    try:
        verdicts = measure_bars(bars, registered, options.rounds, _effort(options), results, named=named)
    finally:
        if results.samples or results.micro:
            results.save(options.json)
    print(table(verdicts))
    for name, reason in (results.missing | results.failed).items():
        print(f"not measured: {name}: {reason}")
    if (busy := results.foreign_cores()) > QUIET_CORES:
        print(f"Provisional: the machine was busy, other programs used up to {busy:.2f} cores during a case.")
    return exit_code(verdicts)


def _compare(options: argparse.Namespace) -> int:
    """Returns 1 if a figure of Lightbox became worse."""
    before, after = (
        as_subject(load(file), name)
        for file, name in zip((options.before, options.after), options.subjects, strict=True)
    )
    if options.case:
        for results, file in ((before, options.before), (after, options.after)):
            require_rounds(results, str(file), options.case, options.rounds)
        before, after = only_cases(before, options.case), only_cases(after, options.case)
    print(compare(before, after))
    worse = regressions(before, after)
    print(f"value: {len(worse)}")
    if options.html:
        _write(options.html, comparison_page(before, after))
    return 1 if worse else 0


def _report(options: argparse.Namespace) -> int:
    _write(options.html, page(load(options.results), options.results.name))
    return 0


def _summary(options: argparse.Namespace) -> int:
    """Writes the headlines into the README, and the full table and a screenshot into the documentation."""
    results = load(options.results)
    require_clean(results)
    readme = replace_block(options.readme.read_text(), headlines(results))
    docs = replace_block(options.docs.read_text(), full_table(results, registered_bars()))
    take_screenshot(page(results, options.results.name), options.readme.parent / SCREENSHOT)
    options.readme.write_text(readme)
    options.docs.write_text(docs)
    return 0


def _micro(options: argparse.Namespace) -> int:
    """Returns 1 if a part could not be measured."""
    unknown = [name for name in options.part if name not in parts.PARTS]
    if unknown:
        raise ValueError(f"no such part: {', '.join(unknown)}; there are {', '.join(parts.PARTS)}")
    results = _results_to_extend(options) if options.json else new_results()
    figures, missing = parts.measure(options.part or parts.PARTS)
    print(parts.table(figures))
    for name, reason in missing.items():
        print(f"{name} is missing: {reason}", file=sys.stderr)
    if options.json:
        results.micro = parts.replace(results.micro, figures)
        results.missing |= missing
        results.save(options.json)
    return int(bool(missing))


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "scale": _scale,
    "acceptance": _acceptance,
    "compare": _compare,
    "report": _report,
    "summary": _summary,
    "micro": _micro,
}


def _results_to_extend(options: argparse.Namespace) -> Results:
    """Returns the existing results with --add, otherwise empty ones. Raises ValueError for an invalid
    file."""
    return extend_results(load(options.json)) if options.add and options.json.exists() else new_results()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
