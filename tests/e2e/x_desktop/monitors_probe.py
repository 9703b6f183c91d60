"""A GTK 3 or Qt 5 program that reports its monitors, maximises its window on one and opens a dialog.

    monitors_probe.py gtk|qt X Y

It prints one JSON line with [x, y, width, height] of each monitor. Its windows, `monitors` and `dialog`, stay
open.
"""

from __future__ import annotations

import json
import sys

#: Delay of the dialog, ms, so that the window was maximised before.
DIALOG_DELAY_MS = 800


def gtk(x: int, y: int) -> None:
    import gi

    gi.require_version("Gtk", "3.0")
    from gi.repository import Gdk, GLib, Gtk

    display = Gdk.Display.get_default()
    places = [display.get_monitor(number).get_geometry() for number in range(display.get_n_monitors())]
    print(json.dumps([[p.x, p.y, p.width, p.height] for p in places]), flush=True)
    window = Gtk.Window(title="monitors")
    window.set_default_size(200, 150)
    window.move(x, y)
    window.show_all()
    window.maximize()

    def ask() -> bool:
        dialog = Gtk.MessageDialog(transient_for=window, modal=True, text="Really?", title="dialog")
        dialog.add_button("Yes", Gtk.ResponseType.YES)
        dialog.show_all()
        return False

    GLib.timeout_add(DIALOG_DELAY_MS, ask)
    Gtk.main()


def qt(x: int, y: int) -> None:
    from PyQt5.QtCore import QTimer  # type: ignore[import-not-found]
    from PyQt5.QtWidgets import QApplication, QMessageBox, QWidget  # type: ignore[import-not-found]

    program = QApplication(sys.argv)
    places = [screen.geometry() for screen in program.screens()]
    print(json.dumps([[p.x(), p.y(), p.width(), p.height()] for p in places]), flush=True)
    window = QWidget()
    window.setWindowTitle("monitors")
    window.resize(200, 150)
    window.move(x, y)
    window.showMaximized()
    dialog = QMessageBox(window)
    dialog.setWindowTitle("dialog")
    dialog.setText("Really?")
    QTimer.singleShot(DIALOG_DELAY_MS, dialog.open)
    program.exec()


if __name__ == "__main__":
    {"gtk": gtk, "qt": qt}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
