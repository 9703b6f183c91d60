"""Types that the viewer's drawing and its X window share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Pixels of (height, width): 32-bit words 0x00RRGGBB, as X servers take them.
Words = NDArray[np.uint32]
#: x, y, width, height, px.
Rect = tuple[int, int, int, int]
