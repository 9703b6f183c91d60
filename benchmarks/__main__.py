"""`python -m benchmarks run` measures, `python -m benchmarks compare A.json B.json` tells changes from
noise."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.cases.case import Effort
from benchmarks.links.link import HELP, LOOPBACK, parse_link
from benchmarks.micro import parts
from benchmarks.report.compare import compare, comparison_page, regressions
from benchmarks.report.markdown import report
from benchmarks.report.page import page
from benchmarks.report.picture import take_picture
from benchmarks.report.results import Results, load
from benchmarks.report.summary import PICTURE, put_into, summary
from benchmarks.run import CASES, QUICK_CASES, QUICK_SUBJECTS, SUBJECTS, new_results, run
from benchmarks.scale.curves import curves
from benchmarks.scale.desktops import desktops

OUT = Path(__file__).parent / "out"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="measure; without options a quick run of a few minutes")
    runs.add_argument("--case", action="append", choices=CASES, help="may be given more than once")
    runs.add_argument(
        "--peer", action="append", choices=SUBJECTS, help="a subject; may be given more than once"
    )
    runs.add_argument("--add", action="store_true", help="to what the JSON file has already")
    runs.add_argument("--all", action="store_true", help="every case and every subject; takes an hour")
    runs.add_argument("--link", action="append", metavar="LINK", help=HELP.replace("%", "%%"))
    runs.add_argument("--rounds", type=int, default=1, help="each gives every subject a fresh desktop")
    runs.add_argument("--seconds", type=float, default=Effort().seconds, help="of each pass over a stack")
    runs.add_argument("--clicks", type=int, default=Effort().clicks, help="in each round")
    runs.add_argument("--minutes", type=float, default=0.0, help="of scrolling, for the case memory")
    runs.add_argument("--json", type=Path, default=OUT / "results.json", metavar="OUT")
    runs.add_argument("--md", type=Path, default=OUT / "results.md", metavar="OUT")
    runs.add_argument("--html", type=Path, default=OUT / "results.html", metavar="OUT")
    scales = commands.add_parser("scale", help="desktops on this host until clicks become slow")
    scales.add_argument("--max", type=int, default=16, help="desktops at most")
    scales.add_argument("--clicks", type=int, default=40)
    scales.add_argument("--seconds", type=float, default=Effort().seconds)
    scales.add_argument("--add", action="store_true", help="to what the JSON file has already")
    scales.add_argument("--json", type=Path, default=OUT / "scale.json", metavar="OUT")
    summaries = commands.add_parser("summary", help="puts a result's figures and picture into the README")
    summaries.add_argument("results", type=Path)
    summaries.add_argument("--readme", type=Path, default=Path("README.md"))
    reports = commands.add_parser("report", help="the page of a result of run --json")
    reports.add_argument("results", type=Path)
    reports.add_argument("html", type=Path)
    compares = commands.add_parser("compare", help="two results of run --json")
    compares.add_argument("before", type=Path)
    compares.add_argument("after", type=Path)
    compares.add_argument("--html", type=Path, metavar="OUT", help="the same as a page")
    micros = commands.add_parser("micro", help="single parts against the limit that applies")
    micros.add_argument("part", nargs="*", help=f"{', '.join(parts.PARTS)}; all where none is given")
    micros.add_argument("--json", type=Path, metavar="OUT", help="a result; with --add what it has stays")
    micros.add_argument("--add", action="store_true", help="to what the JSON file has already")
    return parser


def main() -> int:
    options = arguments().parse_args()
    # As Ctrl-C: every process that was started is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return COMMANDS[options.command](options)
    except ValueError as error:  # a file or a word of the command line is not what it should be
        print(error, file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    links = [parse_link(text) for text in options.link or [LOOPBACK.name]]
    cases = options.case or list(CASES if options.all else QUICK_CASES)
    subjects = options.peer or list(SUBJECTS if options.all else QUICK_SUBJECTS)
    effort = Effort(
        seconds=options.seconds,
        clicks=options.clicks,
        idle_seconds=max(Effort().idle_seconds, options.seconds),
        memory_minutes=options.minutes,
    )
    results = _begin(options)
    try:
        run(subjects, [case for case in CASES if case in cases], links, options.rounds, effort, results)
    finally:
        results.save(options.json)
        _write(options.md, report(results))
        _write(options.html, page(results, options.json.name))
        print(report(results))
    return 1 if results.failed else 0


def _scale(options: argparse.Namespace) -> int:
    results = _begin(options)
    effort = Effort(seconds=options.seconds, clicks=options.clicks)
    try:
        desktops(options.max, effort, results)
        curves(effort, results)
    finally:
        results.save(options.json)
    return 1 if results.failed else 0


def _compare(options: argparse.Namespace) -> int:
    before, after = load(options.before), load(options.after)
    print(compare(before, after))
    if options.html:
        _write(options.html, comparison_page(before, after))
    return 1 if regressions(before, after) else 0


def _report(options: argparse.Namespace) -> int:
    _write(options.html, page(load(options.results), options.results.name))
    return 0


def _summary(options: argparse.Namespace) -> int:
    results = load(options.results)
    readme = put_into(options.readme.read_text(), summary(results))
    take_picture(page(results, options.results.name), options.readme.parent / PICTURE)
    options.readme.write_text(readme)
    return 0


def _micro(options: argparse.Namespace) -> int:
    """1 when a part could not be measured, which is told."""
    unknown = [name for name in options.part if name not in parts.PARTS]
    if unknown:
        raise ValueError(f"no such part: {', '.join(unknown)}; there are {', '.join(parts.PARTS)}")
    results = _begin(options) if options.json else new_results()
    figures, missing = parts.measure(options.part or parts.PARTS)
    print(parts.table(figures))
    for name, why in missing.items():
        print(f"{name} is missing: {why}", file=sys.stderr)
    if options.json:
        results.micro = parts.replace(results.micro, figures)
        results.missing |= missing
        results.save(options.json)
    return int(bool(missing))


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "scale": _scale,
    "compare": _compare,
    "report": _report,
    "summary": _summary,
    "micro": _micro,
}


def _begin(options: argparse.Namespace) -> Results:
    """Empty results, or those that are added to. Raises ValueError when that file is none."""
    return load(options.json) if options.add and options.json.exists() else new_results()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
