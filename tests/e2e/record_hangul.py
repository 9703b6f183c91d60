"""Records the events of a text field while Hangul is typed: `python -m tests.e2e.record_hangul`.

Writes `tests/vectors/hangul.json`, which the web client's tests replay. iPadOS cannot run here; its events in
that file were written by hand after Safari's behaviour, and are kept.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.browsers import hangul
from tests.e2e.browsers.browser import Browser
from tests.e2e.browsers.chromium import Chromium
from tests.e2e.browsers.firefox import Firefox
from tests.e2e.browsers.webkit import WebKit
from tests.e2e.lightbox import ROOT

FILE = ROOT / "tests" / "vectors" / "hangul.json"
ENGINES: tuple[type[Chromium] | type[Firefox] | type[WebKit], ...] = (Chromium, Firefox, WebKit)
PAGE = "data:text/html,<title>field</title>"
#: Time in which late events arrive, s.
SETTLES_S = 0.4
#: Records each event, and the text that was removed and inserted at the end of the field since the previous
#: one.
RECORD = """
document.body.innerHTML = '<textarea rows=4 cols=40></textarea>';
const field = document.querySelector('textarea');
window.steps = [];
let before = '';
const record = (event) => {
  const now = field.value;
  let same = 0;
  while (same < before.length && same < now.length && before[same] === now[same]) same++;
  const step = { type: event.type, remove: before.length - same, insert: now.slice(same) };
  for (const name of ['key', 'code', 'keyCode', 'isComposing', 'inputType', 'data'])
    if (event[name] !== undefined && event[name] !== null) step[name] = event[name];
  before = now;
  steps.push(step);
};
for (const type of ['keydown', 'keyup', 'compositionstart', 'compositionupdate', 'compositionend', 'input'])
  field.addEventListener(type, record);
field.focus();
"""


def play(browser: Browser, name: str) -> None:
    """Types the text of a scene."""
    if name == "mixed":
        browser.type("CT ")
        browser.compose("값")
        browser.type(" 2")
    elif name == "a final moves on" and not isinstance(browser, Chromium):
        browser.tap("HangulMode")
        browser.type("ekfrl")  # ㄷㅏㄹㄱㅣ: 닭, then 달기
        browser.tap("HangulMode")
    elif name == "backspace inside":
        browser.tap("HangulMode")
        browser.type(hangul.keys("한"))
        browser.tap("Backspace")
        browser.tap("Backspace")
        browser.type("h")  # ㅎ + ㅗ
        browser.tap("HangulMode")
    else:
        browser.compose("한글" if name == "syllables" else "달기")


def record(browser: Browser) -> list[dict[str, Any]]:
    scenes = [("syllables", "한글"), ("a final moves on", "달기"), ("mixed", "CT 값 2")]
    if not isinstance(browser, Chromium):
        scenes.append(("backspace inside", "호"))
    recorded = []
    for name, text in scenes:
        browser.open(PAGE)
        browser.evaluate(RECORD)
        time.sleep(SETTLES_S)
        play(browser, name)
        time.sleep(SETTLES_S)
        typed = browser.evaluate("return document.querySelector('textarea').value")
        assert typed == text, f"{browser.engine}, {name}: {typed!r}"
        recorded.append({"name": name, "text": text, "steps": browser.evaluate("return steps")})
    return recorded


def main() -> None:
    file: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="lightbox-hangul-") as scratch:
        for engine in ENGINES:
            browser = engine(Path(scratch), width_px=1320, height_px=880)
            try:
                file["engines"][browser.engine] = record(browser)
            finally:
                browser.close()
    FILE.write_text(format_vectors(file), "utf-8")


def format_vectors(file: dict[str, Any]) -> str:
    """Formats the vectors as JSON with one line per step, so that a diff is readable."""
    engines = []
    for engine, scenes in file["engines"].items():
        parts = []
        for scene in scenes:
            steps = ",\n    ".join(json.dumps(step, ensure_ascii=False) for step in scene["steps"])
            head = ", ".join(
                f'"{name}": {json.dumps(scene[name], ensure_ascii=False)}' for name in ("name", "text")
            )
            parts.append(f'   {{{head}, "steps": [\n    {steps}]}}')
        engines.append(f'  "{engine}": [\n' + ",\n".join(parts) + "]")
    about = json.dumps(file["about"], ensure_ascii=False)
    return f'{{\n "about": {about},\n "engines": {{\n' + ",\n".join(engines) + "\n }\n}\n"


if __name__ == "__main__":
    main()
