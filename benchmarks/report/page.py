"""The report as one HTML page: nothing is fetched, no script runs, charts are inline SVG."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from html import escape

from benchmarks.links.link import LOOPBACK, NAMED, parse_link
from benchmarks.report.bars import SUBJECT, judge
from benchmarks.report.charts import Part, bars, distribution, legend, lines
from benchmarks.report.html import document, number, table, words
from benchmarks.report.markdown import QUIET_CORES, limit_of
from benchmarks.report.micro import micro_section
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
    "text-video30": "coloured text over video, 30/s",
    "stack60-minute": "MR stack, 60 slices/s for a minute",
    "link-drop": "MR stack, 60 slices/s, while the link becomes narrow and wide again",
    "throttled": "MR stack, 30 slices/s, CPU four times slower",
    "scroll-back": "slices already seen, scrolled back",
}
#: Of the cases above, those whose gaps between frames are drawn.
PACED = ("stack60", "stack30", "video30", "stack60-minute", "link-drop")
METHOD = (
    "One X program shows the same frames on every subject's desktop, each from a pixmap in the X server and "
    "with its number in it. One driver opens each subject's own page in the same Chromium and reads its "
    "biggest canvas or video about once a millisecond; it uses none of the subject's objects. A frame counts "
    "as <em>shown</em> when both its marks are on the surface, as <em>exact</em> when every pixel equals the "
    "source (in a pass of its own), as <em>dropped</em> when it never came. Latencies begin with the page's "
    "own input event. CPU is by process, bytes are the kernel's counters. Rounds are interleaved, each with "
    "a fresh desktop and browser; figures are medians, in brackets the lowest and the highest round."
)


#: The part that says most, of which the README's picture is taken.
FIRST = "first"


def page(results: Results, json_name: str) -> str:
    """`json_name` is how the file with the raw data is called; it lies beside the page."""
    subjects = results.subjects()
    styles = {subject: f"s{place % 6}" for place, subject in enumerate(subjects)}
    first = _head(results) + _smooth_and_exact(results, subjects) + _latency(results, subjects, styles)
    parts = [f'<section id="{FIRST}">{first}</section>']
    parts += [_cost(results, subjects, styles), _memory(results, subjects), _pace(results, subjects, styles)]
    parts += [_link(results, subjects, styles, link) for link in results.links() if link != LOOPBACK.name]
    parts.append(_curves(results))
    if SUBJECT in subjects:
        parts.append(_bars(results))
    parts.append(micro_section(results.micro))
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


def _smooth_and_exact(results: Results, subjects: Sequence[str], link: str = LOOPBACK.name) -> str:
    cases = [
        case
        for case in _known_first(results.cases(), TITLES)
        if case.split(" ")[0] not in {prefix for prefix, *_ in CURVES}
        and any(results.figure(subject, case, "shown_share", link) is not None for subject in subjects)
    ]
    charts = "".join(
        f"<figure><h3>{escape(TITLES.get(case, case))}</h3>{_fates(results, subjects, case, link)}</figure>"
        for case in cases
    )
    if not charts:
        return ""
    key = "".join(
        f'<span><i class="key {fate}"></i>{text}</span>'
        for fate, text in FATES.items()
        if f'class="{fate}"' in charts
    )
    heading = _heading("Smooth and exact", link)
    settled = _settled(results, subjects, cases, link)
    return f'{heading}<p class="legend">{key}</p><div class="grid2">{charts}</div>{settled}'


def _settled(results: Results, subjects: Sequence[str], cases: Sequence[str], link: str) -> str:
    """How soon after the last frame the picture was exact, and who never got there."""
    rows = [["from the last frame to an exact picture", *subjects]]
    for case in cases:
        cells = []
        for subject in subjects:
            rests = results.figure(subject, case, "exact_at_rest", link)
            time_ms = results.figure(subject, case, "stop_to_exact_ms", link)
            told = "yes" if time_ms is None else f"{time_ms:.0f} ms"
            cells.append("–" if rests is None else told if rests else "never")
        if any(cell != "–" for cell in cells):
            rows.append([TITLES.get(case, case), *cells])
    return table(rows) if len(rows) > 1 else ""


def _known_first(names: Sequence[str], known: Iterable[str]) -> list[str]:
    """Cases that this file has words for, in its order, then all others."""
    return [name for name in known if name in names] + [name for name in names if name not in known]


def _heading(text: str, link: str) -> str:
    return f"<h2>{text}</h2>" if link == LOOPBACK.name else f"<h3 class='part'>{text}</h3>"


FATES = {
    "exact": "shown, every pixel exact",
    "wrong": "shown, wrong pixels",
    "unchecked": "shown, pixels not checked",
    "dropped": "never shown",
}


def _fates(results: Results, subjects: Sequence[str], case: str, link: str) -> str:
    """What became of the frames sent; where no pass compared them, no colour says that they were right."""
    rows = []
    for subject in subjects:
        shown = results.figure(subject, case, "shown_share", link)
        if shown is None:
            continue
        share = results.figure(subject, case, "exact_share", link)
        exact = shown * (share or 0.0)
        rest = "unchecked" if share is None else "wrong"
        shares = {"exact": exact, rest: shown - exact, "dropped": 1 - shown}
        pieces = [
            Part(value, fate, f"{value:.1%} {FATES[fate]}") for fate, value in shares.items() if value > 0
        ]
        rows.append((subject, pieces, f"{shown:.1%} shown" + _quality(results, subject, case, link, share)))
    return bars(rows, 1.0)


def _quality(results: Results, subject: str, case: str, link: str, share: float | None) -> str:
    if share is None:
        return ""
    psnr = results.figure(subject, case, "psnr_db", link)
    return ", exact" if share == 1 else f", {psnr:.0f} dB" if psnr is not None else f", {share:.1%} exact"


LATENCIES = (
    ("click", "click → surface"),
    ("key", "key → surface"),
    ("click-scrolling", "click → surface while a stack scrolls elsewhere"),
)


def _latency(
    results: Results, subjects: Sequence[str], styles: dict[str, str], link: str = LOOPBACK.name
) -> str:
    figures = []
    for case, title in LATENCIES:
        series = {s: values for s in subjects if (values := results.series(s, case, "latency_ms", link))}
        if not series:
            continue
        # The slowest subject's p90 is on the chart unless that would flatten the others; the table has it.
        medians, tails = ([quantile(v, share) for v in series.values()] for share in (0.5, 0.9))
        rows = [["ms", "p50", "p90", "p95", "p99"]] + [
            [s, *(f"{quantile(values, share):.1f}" for share in (0.5, 0.9, 0.95, 0.99))]
            for s, values in series.items()
        ]
        chart = distribution(series, styles, "ms", min(1.15 * max(tails), 10 * min(medians) + 20))
        figures.append(f"<figure><h3>{title}</h3>{legend(list(series), styles)}{chart}{table(rows)}</figure>")
    return f'{_heading("Latency", link)}<div class="grid2">{"".join(figures)}</div>' if figures else ""


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


def _cost(
    results: Results, subjects: Sequence[str], styles: dict[str, str], link: str = LOOPBACK.name
) -> str:
    figures = []
    for case, name, title, form in COSTS:
        values = {s: v for s in subjects if (v := results.figure(s, case, name, link)) is not None}
        if values:
            rows = [(s, [Part(v, styles[s], form.format(v))], form.format(v)) for s, v in values.items()]
            figures.append(f"<figure><h3>{title}</h3>{bars(rows, max(values.values()))}</figure>")
    return f'{_heading("Cost", link)}<div class="grid2">{"".join(figures)}</div>' if figures else ""


#: Server processes by role, whose resident memory is added up.
ROLES = ("x_server", "server", "agent", "keeper", "gateway")


def _memory(results: Results, subjects: Sequence[str]) -> str:
    """While it is clicked: before the content's pixmaps fill everybody's X server alike."""
    rows = []
    for subject in subjects:
        found = {role: results.figure(subject, "click", f"{role}_mb") for role in ROLES}
        parts = [
            Part(mb, f"s{place}", f"{words(role)} {mb:.0f} MB")
            for place, (role, mb) in enumerate(found.items())
            if mb is not None
        ]
        if parts:
            rows.append((subject, parts, f"{sum(part.value for part in parts):.0f} MB"))
    if not rows:
        return ""
    key = legend([words(role) for role in ROLES], {words(role): f"s{i}" for i, role in enumerate(ROLES)})
    chart = bars(rows, max(sum(part.value for part in parts) for _, parts, _ in rows))
    note = (
        "Resident, one desktop with nothing on it. A gateway serves all desktops of a host, the others one."
    )
    return (
        f'<h2>Memory of the server</h2><div class="grid2"><figure>{key}{chart}'
        f"<figcaption>{note}</figcaption></figure></div>"
    )


def _pace(
    results: Results, subjects: Sequence[str], styles: dict[str, str], link: str = LOOPBACK.name
) -> str:
    figures = []
    for case in _known_first(results.cases(), TITLES):
        series = {s: values for s in subjects if (values := results.series(s, case, "gap_ms", link))}
        if series and (case in PACED or case not in TITLES):
            chart = distribution(series, styles, "ms between frames on the surface", 80)
            title = escape(TITLES.get(case, case))
            figures.append(f"<figure><h3>{title}</h3>{legend(list(series), styles)}{chart}</figure>")
    return f'{_heading("Evenness", link)}<div class="grid2">{"".join(figures)}</div>' if figures else ""


def _link(results: Results, subjects: Sequence[str], styles: dict[str, str], link: str) -> str:
    return (
        f"<h2>Over a link: {escape(_link_words(link))}</h2>{_smooth_and_exact(results, subjects, link)}"
        f"{_latency(results, subjects, styles, link)}{_cost(results, subjects, styles, link)}"
        f"{_pace(results, subjects, styles, link)}"
    )


def _link_words(name: str) -> str:
    """What it is like; its name alone where this version does not know it."""
    try:
        link = parse_link(name)
    except ValueError:
        return name
    told = [f"{link.rate_mbps:g} Mbit/s"] if link.rate_mbps is not None else []
    told += [f"{link.delay_ms:g} ms each way"] if link.delay_ms else []
    told += [f"± {link.jitter_ms:g} ms"] if link.jitter_ms else []
    told += [f"{100 * link.loss_share:g} % lost"] if link.loss_share else []
    return (f"{name}, " if name in NAMED else "") + ", ".join(told)


#: Cases by the beginning of their names, what grows along x, and what is drawn over it.
CURVES = (
    (
        "desktops",
        "desktops",
        "desktops at work",
        ("p95_ms", "server_cores_per_desktop", "memory_mb_per_desktop"),
    ),
    ("resolution", "megapixels", "megapixels, all new", ("server_ms_per_frame", "browser_ms_per_frame")),
    (
        "change",
        "changed_percent",
        "% of the tiles of a 1080p screen",
        ("server_ms_per_frame", "down_kb_per_frame"),
    ),
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
                chart = lines({SUBJECT: points}, {SUBJECT: "s0"}, x_title)
                title = "click → surface, p95 ms" if name == "p95_ms" else words(name)
                figures.append(f"<figure><h3>{title}</h3>{chart}</figure>")
    return f'<h2>Scale</h2><div class="grid2">{"".join(figures)}</div>' if figures else ""


def _bars(results: Results) -> str:
    rows = [["Lightbox's bars", "bar", "this run", ""]]
    for verdict in judge(results):
        if verdict.value is None:
            continue
        word = '<span class="pass">pass</span>' if verdict.passed else '<span class="fail">missed</span>'
        rows.append([verdict.bar.title, limit_of(verdict.bar), f"{verdict.value:.3g}", word])
    return f"<h2>Bars</h2>{table(rows, raw_last=True)}" if len(rows) > 1 else ""


def _tables(results: Results, subjects: Sequence[str]) -> str:
    parts = ["<h2>All figures</h2>"]
    for link, case in itertools.product(results.links(), results.cases()):
        names = dict.fromkeys(
            name for subject in subjects for s in results.of(subject, case, link) for name in s.figures
        )
        if not names:
            continue
        here = [subject for subject in subjects if results.of(subject, case, link)]
        rows = [[case, *here]]
        rows += [[words(name), *(_cell(results, s, case, name, link) for s in here)] for name in names]
        title = TITLES.get(case, case) + ("" if link == LOOPBACK.name else f", over {link}")
        parts.append(f"<details><summary>{escape(title)}</summary>{table(rows)}</details>")
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
