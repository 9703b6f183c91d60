"""The report as one HTML page: nothing is fetched, no script runs, charts are inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.report.bars import SUBJECT, judge
from benchmarks.report.charts import Part, bars, distribution, legend, lines
from benchmarks.report.html import document, number, table, words
from benchmarks.report.markdown import QUIET_CORES
from benchmarks.report.results import Results, quantile

#: What a case is about, in the order of the page.
TITLES = {
    "stack60": "MR stack, 60 slices/s",
    "stack30": "MR stack, 30 slices/s",
    "window30": "window and level, 30/s",
    "pan30": "radiograph panned, 30/s",
    "typing10": "typing, 10/s",
    "terminal30": "terminal scrolling, 30/s",
    "window-drag30": "window dragged, 30/s",
    "video30": "1080p video, 30/s",
}
METHOD = (
    "One X program shows the same frames on every subject's desktop, each from a pixmap in the X server and "
    "with its number in it. One driver opens each subject's own page in the same Chromium and reads its "
    "biggest canvas or video about once a millisecond; it uses none of the subject's objects. A frame counts "
    "as <em>shown</em> when both its marks are on the surface, as <em>exact</em> when every pixel equals the "
    "source (in a pass of its own), as <em>dropped</em> when it never came. Latencies begin with the page's "
    "own input event. CPU is by process, bytes are the kernel's counters. Rounds are interleaved, each with "
    "a fresh desktop and browser; figures are medians, in brackets the lowest and the highest round."
)


def page(results: Results, json_name: str) -> str:
    """`json_name` is how the file with the raw data is called; it lies beside the page."""
    subjects = results.subjects()
    styles = {subject: f"s{place % 6}" for place, subject in enumerate(subjects)}
    parts = [_head(results), _smooth_and_exact(results, subjects)]
    parts.append(_latency(results, subjects, styles))
    parts.append(_cost(results, subjects, styles))
    parts.append(_pace(results, subjects, styles))
    parts += [_link(results, subjects, link) for link in results.links() if link != "loopback"]
    parts.append(_curves(results))
    if SUBJECT in subjects:
        parts.append(_bars(results))
    parts.append(_tables(results, subjects))
    parts.append(f"<h2>Method</h2><p>{METHOD}</p>")
    parts.append(
        f"<footer>Raw data: {escape(json_name)}. Made by <code>python -m benchmarks run</code>.</footer>"
    )
    return document("Remote desktops in a browser, measured", "".join(parts))


def _head(results: Results) -> str:
    machine = results.machine
    rounds = 1 + max((sample.round for sample in results.samples), default=0)
    facts = "".join(
        f"<li><b>{escape(name)}</b>: {escape(', '.join(f'{k} {v}' for k, v in told.items()))}</li>"
        for name, told in results.facts.items()
    )
    missing = [
        f"<li><b>{escape(name)} is missing</b>: {escape(why)}</li>" for name, why in results.missing.items()
    ]
    missing += [
        f"<li><b>{escape(name)} failed</b>: {escape(why)}</li>" for name, why in results.failed.items()
    ]
    busy = results.foreign_cores()
    warning = (
        '<p class="provisional"><b>Provisional: the machine was busy.</b> Programs that belong to no subject '
        f"took up to {busy:.2f} cores in a case.</p>"
        if busy > QUIET_CORES
        else ""
    )
    return (
        "<h1>Remote desktops in a browser, as the person gets them</h1>"
        '<p class="lead">Latency, smoothness and exactness, side by side in one run: what was shown, what '
        "was dropped, and what was wrong.</p>"
        f'<p class="facts">{escape(results.started)} · {machine.get("cores", "?")} cores, '
        f"{escape(str(machine.get('cpu', '?')))} · "
        f"Chromium {escape(str(machine.get('chromium', '?')))} headless · 1920 × 1080 · rounds: {rounds}</p>"
        f"{warning}<ul class='facts'>{facts}{''.join(missing)}</ul>"
    )


def _smooth_and_exact(results: Results, subjects: Sequence[str], link: str = "loopback") -> str:
    figures = [
        f"<figure><h3>{escape(title)}</h3>{_fates(results, subjects, case, link)}</figure>"
        for case, title in TITLES.items()
        if any(results.of(subject, case, link) for subject in subjects)
    ]
    if not figures:
        return ""
    key = "".join(f'<span><i class="key {fate}"></i>{text}</span>' for fate, text in FATES.items())
    heading = "<h2>Smooth and exact</h2>" if link == "loopback" else ""
    return f'{heading}<p class="legend">{key}</p><div class="grid2">{"".join(figures)}</div>'


FATES = {"exact": "shown, every pixel exact", "wrong": "shown, wrong pixels", "dropped": "never shown"}


def _fates(results: Results, subjects: Sequence[str], case: str, link: str) -> str:
    rows = []
    for subject in subjects:
        shown = results.figure(subject, case, "shown_share", link)
        if shown is None:
            continue
        exact = shown * (results.figure(subject, case, "exact_share", link) or 0.0)
        pieces = [
            Part(exact, "exact", f"{exact:.1%} exact"),
            Part(shown - exact, "wrong", f"{shown - exact:.1%} wrong"),
            Part(1 - shown, "dropped", f"{1 - shown:.1%} dropped"),
        ]
        psnr = results.figure(subject, case, "psnr_db", link)
        note = f"{shown:.1%} shown" + (
            f", {psnr:.0f} dB" if psnr is not None else ", exact" if exact > 0 else ""
        )
        rows.append((subject, pieces, note))
    return bars(rows, 1.0)


def _latency(results: Results, subjects: Sequence[str], styles: dict[str, str]) -> str:
    figures = []
    for case, title in (("click", "click → surface"), ("key", "key → surface")):
        series = {s: values for s in subjects if (values := results.series(s, case, "latency_ms"))}
        if not series:
            continue
        most = min(
            4 * min(quantile(v, 0.5) for v in series.values()) + 20, max(max(v) for v in series.values())
        )
        rows = [[title, "p50", "p90", "p99"]] + [
            [s, *(f"{quantile(values, share):.1f} ms" for share in (0.5, 0.9, 0.99))]
            for s, values in series.items()
        ]
        chart = distribution(series, styles, "ms", most)
        figures.append(f"<figure><h3>{title}</h3>{legend(list(series), styles)}{chart}{table(rows)}</figure>")
    return f'<h2>Latency</h2><div class="grid2">{"".join(figures)}</div>' if figures else ""


COSTS = (
    ("stack60", "down_mbps", "60 slices/s: Mbit/s to the browser", "{:.0f} Mbit/s"),
    ("stack60", "server_cores", "60 slices/s: server CPU, X server included", "{:.2f} cores"),
    ("stack60", "down_kb_per_slice", "for each slice that was shown: kB", "{:.0f} kB"),
    ("stack60", "server_ms_per_slice", "for each slice that was shown: server CPU", "{:.1f} ms"),
    ("stack60", "browser_cores", "60 slices/s: browser CPU", "{:.2f} cores"),
    ("terminal30", "down_mbps", "scrolling terminal: Mbit/s", "{:.1f} Mbit/s"),
    ("stack-slow", "down_kb_per_frame", "slow motion, MR slice: kB a frame", "{:.0f} kB"),
    ("stack-slow", "server_ms_per_frame", "slow motion, MR slice: server CPU a frame", "{:.1f} ms"),
    ("idle", "server_cores", "idle with a blinking caret: server CPU", "{:.3f} cores"),
)


def _cost(results: Results, subjects: Sequence[str], styles: dict[str, str]) -> str:
    figures = []
    for case, name, title, form in COSTS:
        values = {s: v for s in subjects if (v := results.figure(s, case, name)) is not None}
        if values:
            rows = [(s, [Part(v, styles[s], form.format(v))], form.format(v)) for s, v in values.items()]
            figures.append(f"<figure><h3>{title}</h3>{bars(rows, max(values.values()))}</figure>")
    return f'<h2>Cost</h2><div class="grid2">{"".join(figures)}</div>' if figures else ""


def _pace(results: Results, subjects: Sequence[str], styles: dict[str, str]) -> str:
    figures = []
    for case in ("stack60", "stack30", "video30"):
        series = {s: values for s in subjects if (values := results.series(s, case, "gap_ms"))}
        if series:
            chart = distribution(series, styles, "ms between frames on the surface", 80)
            figures.append(f"<figure><h3>{TITLES[case]}</h3>{legend(list(series), styles)}{chart}</figure>")
    return f'<h2>Evenness</h2><div class="grid2">{"".join(figures)}</div>' if figures else ""


def _link(results: Results, subjects: Sequence[str], link: str) -> str:
    rows = [["", *subjects]]
    for case in ("click", "key", *TITLES):
        for name in (
            "p50_ms",
            "p95_ms",
            "shown_share",
            "exact_share",
            "psnr_db",
            "down_mbps",
            "stop_to_exact_ms",
        ):
            cells = [_cell(results, subject, case, name, link) for subject in subjects]
            if any(cell != "–" for cell in cells):
                rows.append([f"{case}: {words(name)}", *cells])
    return f"<h2>Over a link of {escape(link)}</h2>{_smooth_and_exact(results, subjects, link)}{table(rows)}"


#: Cases by the beginning of their names, what grows along x, and what is drawn over it.
CURVES = (
    (
        "desktops",
        "desktops",
        "desktops at work",
        ("p95_ms", "server_cores_per_desktop", "memory_mb_per_desktop"),
    ),
    ("resolution", "megapixels", "megapixels, all new", ("server_ms_per_frame", "browser_ms_per_frame")),
    ("rate", "changes_per_s", "MR slices a second", ("server_cores", "browser_cores", "down_mbps")),
)


def _curves(results: Results) -> str:
    """Cost against desktops, the size of the screen and the rate of change, where a run has them."""
    figures = []
    for prefix, x_name, x_title, names in CURVES:
        samples = [sample for sample in results.samples if sample.case.split(" ")[0] == prefix]
        for name in names:
            points = [(s.figures[x_name], s.figures[name]) for s in samples if name in s.figures]
            if len(points) > 1:
                chart = lines({SUBJECT: points}, {SUBJECT: "s0"}, x_title, words(name))
                figures.append(f"<figure><h3>{words(name)}</h3>{chart}</figure>")
    return f'<h2>Scale</h2><div class="grid2">{"".join(figures)}</div>' if figures else ""


def _bars(results: Results) -> str:
    rows = [["Lightbox's bars", "bar", "this run", ""]]
    for verdict in judge(results):
        if verdict.value is None:
            continue
        limit = f"≤ {verdict.bar.most:g}" if verdict.bar.most is not None else f"≥ {verdict.bar.least:g}"
        word = '<span class="pass">pass</span>' if verdict.passed else '<span class="fail">missed</span>'
        rows.append([verdict.bar.title, limit, f"{verdict.value:.3g}", word])
    return f"<h2>Bars</h2>{table(rows, raw_last=True)}" if len(rows) > 1 else ""


def _tables(results: Results, subjects: Sequence[str]) -> str:
    parts = ["<h2>All figures</h2>"]
    for case in results.cases():
        names = dict.fromkeys(
            name
            for sample in results.samples
            if sample.case == case and sample.link == "loopback"
            for name in sample.figures
        )
        rows = [[case, *subjects]]
        rows += [[words(n), *(_cell(results, s, case, n, "loopback") for s in subjects)] for n in names]
        if len(rows) > 1:
            parts.append(
                f"<details><summary>{escape(TITLES.get(case, case))}</summary>{table(rows)}</details>"
            )
    return "".join(parts)


def _cell(results: Results, subject: str, case: str, name: str, link: str) -> str:
    value = results.figure(subject, case, name, link)
    if value is None:
        return "–"
    spread = results.values(subject, case, name, link)
    text = number(value)
    if len(spread) > 1 and min(spread) != max(spread):
        text += f" ({number(min(spread))}–{number(max(spread))})"
    return text
