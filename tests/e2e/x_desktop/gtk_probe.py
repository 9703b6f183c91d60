"""A GTK 3 program that records the input it receives. It runs with Debian's Python, which has GTK bindings.

    gtk_probe.py LOG X Y

Its window has an entry above an area that reports the mouse. Every event is one JSON line in LOG. SIGUSR2
shows the window as it was at first, SIGHUP hides it, SIGUSR1 slows double clicks down.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402

WIDTH_PX, ENTRY_HEIGHT_PX, AREA_HEIGHT_PX = 480, 40, 260
#: Polls, 50 ms apart, after which the window counts as placed, though elsewhere.
PLACED_WITHIN_POLLS = 100
#: Longest time between the clicks of a double click after SIGUSR1, ms.
SLOW_DOUBLE_CLICK_MS = 5000


class Probe:
    def __init__(self, log: str, x: int, y: int) -> None:
        self.position = x, y
        self.clicked_s = -math.inf
        self.log = Path(log).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - stays open while the program runs
        self.window = Gtk.Window(title="probe")
        self.window.set_decorated(False)
        self.window.set_keep_above(True)
        self.window.set_resizable(False)
        self.entry = Gtk.Entry()
        self.entry.set_size_request(WIDTH_PX, ENTRY_HEIGHT_PX)
        self.entry.connect("changed", lambda entry: self.write("text", text=entry.get_text()))
        self.entry.connect("key-press-event", self.on_key, "key-down")
        self.entry.connect("key-release-event", self.on_key, "key-up")
        self.area = Gtk.DrawingArea()
        self.area.set_size_request(WIDTH_PX, AREA_HEIGHT_PX)
        masks = Gdk.EventMask
        self.area.add_events(
            masks.BUTTON_PRESS_MASK
            | masks.BUTTON_RELEASE_MASK
            | masks.POINTER_MOTION_MASK
            | masks.SCROLL_MASK
        )
        for name in ("button-press-event", "button-release-event"):
            self.area.connect(name, self.on_button)
        self.area.connect("motion-notify-event", self.on_motion)
        self.area.connect("scroll-event", self.on_scroll)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        box.pack_start(self.entry, False, False, 0)
        box.pack_start(self.area, True, True, 0)
        self.window.add(box)
        self.window.connect("destroy", Gtk.main_quit)
        self.window.connect("focus-in-event", lambda *_: self.write("focus"))
        box.show_all()
        settings = Gtk.Settings.get_default()
        # A blinking caret would change the desktop all the time, so that it could not be compared.
        settings.set_property("gtk-cursor-blink", False)
        self.double_click_ms = settings.get_property("gtk-double-click-time")
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, self.slow_down_double_clicks)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR2, self.start)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGHUP, self.hide)
        self.start()

    def write(self, kind: str, **fields: Any) -> None:
        self.log.write(json.dumps({"kind": kind, "at": time.time(), **fields}, ensure_ascii=False) + "\n")

    def start(self) -> bool:
        """Shows the window in its place, with an empty entry; reports "ready" when it is there."""
        Gtk.Settings.get_default().set_property("gtk-double-click-time", self.double_click_ms)
        self.entry.set_text("")
        self.window.move(*self.position)
        self.window.show()
        self.window.move(*self.position)
        self.window.present()
        self.entry.grab_focus()
        self.polls = 0
        GLib.timeout_add(50, self.report_position)
        return True

    def hide(self) -> bool:
        self.window.hide()
        self.write("hidden")
        return True

    def slow_down_double_clicks(self) -> bool:
        """Lets the clicks of a double click be seconds apart, once the latest click is no part of one."""
        past_ms = 1000 * (time.monotonic() - self.clicked_s)
        GLib.timeout_add(int(max(0, SLOW_DOUBLE_CLICK_MS - past_ms)), self.set_slow_double_clicks)
        return True

    def set_slow_double_clicks(self) -> bool:
        Gtk.Settings.get_default().set_property("gtk-double-click-time", SLOW_DOUBLE_CLICK_MS)
        self.write("slow-double-clicks")
        return False

    def report_position(self) -> bool:
        """Reports the window as soon as it is in its place, or wherever else it stays."""
        gdk_window = self.window.get_window()
        if gdk_window is None or not self.window.get_mapped():
            return True
        _, x, y = gdk_window.get_origin()
        self.polls += 1
        if (x, y) != self.position and self.polls < PLACED_WITHIN_POLLS:
            return True
        self.write(
            "ready",
            x=x,
            y=y,
            width=self.window.get_allocated_width(),
            height=self.window.get_allocated_height(),
            xid=gdk_window.get_xid(),
        )
        return False

    def on_key(self, entry: Any, event: Any, kind: str) -> bool:
        self.write(kind, keyval=event.keyval, name=Gdk.keyval_name(event.keyval), state=int(event.state))
        if kind == "key-down" and event.keyval == Gdk.KEY_F12:
            entry.set_text("")
        return False

    def on_button(self, area: Any, event: Any) -> bool:
        kinds = {
            Gdk.EventType.BUTTON_PRESS: "button-down",
            Gdk.EventType._2BUTTON_PRESS: "double-click",
            Gdk.EventType._3BUTTON_PRESS: "triple-click",
            Gdk.EventType.BUTTON_RELEASE: "button-up",
        }
        self.clicked_s = time.monotonic()
        self.write(
            kinds[event.type],
            button=event.button,
            x=int(event.x_root),
            y=int(event.y_root),
            state=int(event.state),
        )
        return True

    def on_motion(self, area: Any, event: Any) -> bool:
        self.write("motion", x=int(event.x_root), y=int(event.y_root), state=int(event.state))
        return True

    def on_scroll(self, area: Any, event: Any) -> bool:
        self.write(
            "scroll",
            direction=event.direction.value_nick,
            dx=event.delta_x,
            dy=event.delta_y,
            state=int(event.state),
        )
        return True


if __name__ == "__main__":
    probe = Probe(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    Gtk.main()
