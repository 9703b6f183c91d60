"""`python3 qt_entry.py LOG` shows a Qt text field. It runs in Debian's Python, which has the Qt bindings.

It writes `ready` to LOG when it is shown, then a line `text …` for each change of the text.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PyQt5.QtWidgets import QApplication, QLineEdit  # type: ignore[import-not-found]

program = QApplication(sys.argv)
log = Path(sys.argv[1]).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - stays open while the program runs
entry = QLineEdit()
entry.resize(400, 40)
entry.move(0, 0)
entry.textChanged.connect(lambda text: log.write(f"text {text}\n"))
entry.show()
entry.activateWindow()
log.write("ready\n")
program.exec()
