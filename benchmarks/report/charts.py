"""Draws small charts as inline SVG. Colours come from the page's style sheet, for light and dark schemes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

#: Size of a chart, px.
WIDTH, HEIGHT = 500, 240
#: Margins around the plot, px.
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 40


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of a bar: its length, its class in the style sheet and its tooltip."""

    value: float
    style: str
    title: str


def ticks(most: float, count: int = 5) -> list[float]:
    """Returns round numbers from 0 up to at least `most`."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / count
    magnitude = 10 ** len(str(int(rough))) / 10 if rough >= 1 else 1.0
    while magnitude > rough:
        magnitude /= 10
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    marks = [0.0]
    while marks[-1] < most:
        marks.append(round(marks[-1] + step, 10))
    return marks


def distribution(
    series: Mapping[str, Sequence[float]], styles: Mapping[str, str], unit: str, most: float
) -> str:
    """Draws cumulative distributions: the fraction of the values that is at most x. The axis ends near
    `most`."""
    marks = ticks(most)
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [_svg("distribution", WIDTH, HEIGHT)]
    for mark in marks:
        x = LEFT + across * mark / marks[-1]
        parts.append(_line(x, TOP, x, TOP + up, "grid"))
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{mark:g}", "middle"))
    for fraction in (0, 0.25, 0.5, 0.75, 0.9, 1):
        y = TOP + up * (1 - fraction)
        parts.append(_line(LEFT, y, LEFT + across, y, "grid"))
        parts.append(_text(LEFT - 8, y + 4, f"{fraction:.0%}", "end"))
    parts.append(_text(LEFT + across / 2, HEIGHT - 4, unit, "middle"))
    for name, values in series.items():
        ordered = sorted(values)
        points = [(0.0, 0.0)]
        for index, value in enumerate(ordered):
            x = min(value, marks[-1])
            points += [(x, index / len(ordered)), (x, (index + 1) / len(ordered))]
        path = " ".join(
            f"{LEFT + across * x / marks[-1]:.1f},{TOP + up * (1 - fraction):.1f}" for x, fraction in points
        )
        parts.append(f'<polyline class="curve {styles[name]}" points="{path}"/>')
    parts.append("</svg>")
    return "".join(parts)


def bars(rows: Sequence[tuple[str, Sequence[Part], str]], most: float) -> str:
    """Draws a horizontal bar per row: label, segments from left to right, and a note after the bar."""
    left, right, step, thick = 150, 150, 32, 18
    across, height = WIDTH - left - right, step * len(rows) + 8
    parts = [_svg("bars", WIDTH, height)]
    for index, (label, segments, note) in enumerate(rows):
        y, x = 6 + index * step, float(left)
        parts.append(_text(left - 10, y + 14, label, "end", "label"))
        parts.append(f'<rect class="track" x="{left}" y="{y}" width="{across}" height="{thick}"/>')
        for segment in segments:
            width = across * min(segment.value, most) / most if most > 0 else 0.0
            parts.append(
                f'<rect class="{segment.style}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{thick}">'
                f"<title>{escape(segment.title)}</title></rect>"
            )
            x += width
        parts.append(_text(left + across + 10, y + 14, note, "start", "note"))
    parts.append("</svg>")
    return "".join(parts)


def lines(series: Mapping[str, Sequence[tuple[float, float]]], styles: Mapping[str, str], x: str) -> str:
    """Draws points joined in order of x. `x` is the title of that axis; both axes begin at 0."""
    points = [point for row in series.values() for point in row]
    across_marks = ticks(max((p[0] for p in points), default=1.0))
    up_marks = ticks(max((p[1] for p in points), default=1.0))
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [_svg("lines", WIDTH, HEIGHT)]
    for mark in across_marks:
        at = LEFT + across * mark / across_marks[-1]
        parts.append(_line(at, TOP, at, TOP + up, "grid"))
        parts.append(_text(at, HEIGHT - BOTTOM + 18, f"{mark:g}", "middle"))
    for mark in up_marks:
        at = TOP + up * (1 - mark / up_marks[-1])
        parts.append(_line(LEFT, at, LEFT + across, at, "grid"))
        parts.append(_text(LEFT - 8, at + 4, f"{mark:g}", "end"))
    parts.append(_text(LEFT + across / 2, HEIGHT - 4, x, "middle"))
    for name, row in series.items():
        drawn = [
            (LEFT + across * px / across_marks[-1], TOP + up * (1 - py / up_marks[-1]))
            for px, py in sorted(row)
        ]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in drawn)
        parts.append(f'<polyline class="curve {styles[name]}" points="{path}"/>')
        parts += [f'<circle class="{styles[name]}" cx="{px:.1f}" cy="{py:.1f}" r="3.5"/>' for px, py in drawn]
    parts.append("</svg>")
    return "".join(parts)


def legend(names: Sequence[str], styles: Mapping[str, str]) -> str:
    items = (f'<span><i class="key {styles[name]}"></i>{escape(name)}</span>' for name in names)
    return f'<p class="legend">{"".join(items)}</p>'


def _svg(kind: str, width: float, height: float) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
    )


def _line(x0: float, y0: float, x1: float, y1: float, style: str) -> str:
    return f'<line class="{style}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
