"""A window whose whole content changes at video rate: the agent sends such motion as video."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.plain_window import PlainWindow

#: Side of the square window, px.
SIDE_PX = 640
#: Position of the window on the desktop, px.
POSITION_PX = (100, 80)
#: Frames per second.
RATE_FPS = 25
#: Frames of the default film.
FRAME_COUNT = 12


def grey_frames() -> list[NDArray[np.uint8]]:
    """Grey frames with film grain, (SIDE_PX, SIDE_PX) each."""
    x, y = np.meshgrid(np.arange(SIDE_PX), np.arange(SIDE_PX))
    random = np.random.default_rng(1)
    return [
        np.clip(
            120 + 80 * np.sin((x + 9 * number) / 40) * np.cos(y / 55) + random.normal(0, 6, x.shape), 0, 255
        ).astype(np.uint8)
        for number in range(FRAME_COUNT)
    ]


class Film:
    """Plays frames of SIDE_PX × SIDE_PX in a loop until `stop`.

    The frames are uploaded to the X server beforehand. Showing one then costs a single copy inside the
    server, so that the motion keeps its rate on a busy host as well.
    """

    def __init__(self, display: XDisplay, frames: Sequence[NDArray[np.uint8]] | None = None) -> None:
        x, y = POSITION_PX
        self._window = PlainWindow(display, x=x, y=y, width=SIDE_PX, height=SIDE_PX)
        self._frames = [self._window.upload(frame) for frame in frames or grey_frames()]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._play, name="film")
        self._thread.start()

    def stop(self) -> None:
        """Stops after the current frame, which stays visible."""
        self._stopped.set()
        self._thread.join()

    def close(self) -> None:
        self.stop()
        self._window.close()

    def _play(self) -> None:
        number = 0
        due_s = time.monotonic()
        while not self._stopped.is_set():
            self._window.present(self._frames[number % len(self._frames)])
            number += 1
            # A late frame delays the later ones; it does not make them follow each other faster.
            now_s = time.monotonic()
            due_s = max(due_s + 1 / RATE_FPS, now_s)
            time.sleep(due_s - now_s)
