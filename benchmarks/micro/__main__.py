"""`python -m benchmarks.micro [PART …]`: single parts against the limit that applies, as a Markdown table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks.micro.browser_decode import browser_decode
from benchmarks.micro.dirty_mask import dirty_mask
from benchmarks.micro.figure import Figure, MissingError
from benchmarks.micro.stills import stills
from benchmarks.micro.video import video
from benchmarks.micro.wire import wire

PARTS: dict[str, Callable[[], list[Figure]]] = {
    "stills": stills,
    "decode": browser_decode,
    "dirty-mask": dirty_mask,
    "wire": wire,
    "video": video,
}


def table(figures: Sequence[Figure]) -> str:
    lines = ["| part | subject | value | ratio |", "|---|---|---:|---:|"]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} × {figure.against}"
        lines.append(f"| {figure.part} | {figure.subject} | {figure.value:.3g} {figure.unit} | {ratio} |")
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    """Returns the exit code: 1 when a part could not be measured, which is told."""
    unknown = [word for word in words if word not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    missing = False
    figures = []
    for name in words or PARTS:
        try:
            figures += PARTS[name]()
        except MissingError as error:
            missing = True
            print(f"{name} is missing: {error}", file=sys.stderr)
    print(table(figures))
    return int(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
