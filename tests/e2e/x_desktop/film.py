"""Pictures that follow each other without a rest: what becomes video."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.e2e.x_desktop.display import XDisplay
from tests.e2e.x_desktop.plain_window import PlainWindow

SIDE_PX = 640
AT_PX = (100, 80)
#: Pictures a second.
RATE = 25


def slices() -> list[NDArray[np.uint8]]:
    """Grey, and grainy."""
    x, y = np.meshgrid(np.arange(SIDE_PX), np.arange(SIDE_PX))
    random = np.random.default_rng(1)
    return [
        np.clip(
            120 + 80 * np.sin((x + 9 * n) / 40) * np.cos(y / 55) + random.normal(0, 6, x.shape), 0, 255
        ).astype(np.uint8)
        for n in range(12)
    ]


class Film:
    """Pictures of `SIDE_PX`, slices by default, that follow each other without a rest, until `stop`."""

    def __init__(self, display: XDisplay, pictures: Sequence[NDArray[np.uint8]] | None = None) -> None:
        self._pictures = slices() if pictures is None else pictures
        self._window = PlainWindow(display, x=AT_PX[0], y=AT_PX[1], width=SIDE_PX, height=SIDE_PX)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def close(self) -> None:
        self.stop()
        self._window.close()

    def _play(self) -> None:
        number = 0
        while not self._over.is_set():
            self._window.show(self._pictures[number % len(self._pictures)])
            number += 1
            time.sleep(1 / RATE)
