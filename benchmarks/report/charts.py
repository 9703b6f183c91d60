"""Small charts as inline SVG: colours come from the page's style sheet, so that light and dark both work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 500, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 40


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: its length, its class in the style sheet, and what it is."""

    value: float
    style: str
    title: str


def ticks(most: float, count: int = 5) -> list[float]:
    """Round numbers from 0 up to at least `most`."""
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
    """Cumulative: which share of the values is at most x. The axis ends at about `most`."""
    marks = ticks(most)
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [_open("distribution", WIDTH, HEIGHT)]
    for mark in marks:
        x = LEFT + across * mark / marks[-1]
        parts.append(_line(x, TOP, x, TOP + up, "grid"))
        parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{mark:g}", "middle"))
    for share in (0, 0.25, 0.5, 0.75, 0.9, 1):
        y = TOP + up * (1 - share)
        parts.append(_line(LEFT, y, LEFT + across, y, "grid"))
        parts.append(_text(LEFT - 8, y + 4, f"{share:.0%}", "end"))
    parts.append(_text(LEFT + across / 2, HEIGHT - 4, unit, "middle"))
    for name, values in series.items():
        ordered = sorted(values)
        points = [(0.0, 0.0)]
        for place, value in enumerate(ordered):
            x = min(value, marks[-1])
            points += [(x, place / len(ordered)), (x, (place + 1) / len(ordered))]
        path = " ".join(
            f"{LEFT + across * x / marks[-1]:.1f},{TOP + up * (1 - share):.1f}" for x, share in points
        )
        parts.append(f'<polyline class="curve {styles[name]}" points="{path}"/>')
    parts.append("</svg>")
    return "".join(parts)


def bars(rows: Sequence[tuple[str, Sequence[Part], str]], most: float) -> str:
    """One horizontal bar a row: label, parts from left to right, and what stands behind the bar."""
    left, right, step, thick = 150, 150, 32, 18
    across, height = WIDTH - left - right, step * len(rows) + 8
    parts = [_open("bars", WIDTH, height)]
    for place, (label, pieces, note) in enumerate(rows):
        y, x = 6 + place * step, float(left)
        parts.append(_text(left - 10, y + 14, label, "end", "label"))
        parts.append(f'<rect class="track" x="{left}" y="{y}" width="{across}" height="{thick}"/>')
        for piece in pieces:
            width = across * min(piece.value, most) / most if most > 0 else 0.0
            parts.append(
                f'<rect class="{piece.style}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{thick}">'
                f"<title>{escape(piece.title)}</title></rect>"
            )
            x += width
        parts.append(_text(left + across + 10, y + 14, note, "start", "note"))
    parts.append("</svg>")
    return "".join(parts)


def lines(series: Mapping[str, Sequence[tuple[float, float]]], styles: Mapping[str, str], x: str) -> str:
    """Points joined in order of x, which is what `x` says; both axes begin at 0."""
    points = [point for row in series.values() for point in row]
    across_marks = ticks(max((p[0] for p in points), default=1.0))
    up_marks = ticks(max((p[1] for p in points), default=1.0))
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [_open("lines", WIDTH, HEIGHT)]
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
        places = [
            (LEFT + across * px / across_marks[-1], TOP + up * (1 - py / up_marks[-1]))
            for px, py in sorted(row)
        ]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
        parts.append(f'<polyline class="curve {styles[name]}" points="{path}"/>')
        parts += [
            f'<circle class="{styles[name]}" cx="{px:.1f}" cy="{py:.1f}" r="3.5"/>' for px, py in places
        ]
    parts.append("</svg>")
    return "".join(parts)


def legend(names: Sequence[str], styles: Mapping[str, str]) -> str:
    items = (f'<span><i class="key {styles[name]}"></i>{escape(name)}</span>' for name in names)
    return f'<p class="legend">{"".join(items)}</p>'


def _open(kind: str, width: float, height: float) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
    )


def _line(x0: float, y0: float, x1: float, y1: float, style: str) -> str:
    return f'<line class="{style}" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, style: str = "tick") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
