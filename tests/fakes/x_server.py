"""An Xvfb for one test, and an X client that draws on it and reads its pixels back."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
from numpy.typing import NDArray

from display_server.desktop.x11.outputs import outputs_environment

ALL_PLANES = 0xFFFFFFFF


class XServer:
    """An Xvfb with its framebuffer in a private folder.

    `options` are further arguments. `outputs` is the number of its RandR outputs; a desktop's X server has 6.
    """

    def __init__(
        self, width_px: int, height_px: int, *options: str, depth: int = 24, outputs: int = 1
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="x-server-"))
        self.framebuffer = self.folder / "framebuffer"
        self.framebuffer.mkdir(mode=0o700)
        reader, writer = os.pipe()
        screen = f"{width_px}x{height_px}x{depth}"
        fixed = ["-displayfd", str(writer), "-fbdir", str(self.framebuffer), "-nolisten", "tcp", "-noreset"]
        additions = outputs_environment(outputs) if outputs > 1 else {}
        self.process = subprocess.Popen(
            ["Xvfb", *fixed, "-screen", "0", screen, *options],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
            env={**os.environ, **additions},
        )
        os.close(writer)
        with os.fdopen(reader) as numbers:
            self.display = ":" + numbers.readline().strip()
        self.environment = {
            k: v for k, v in os.environ.items() if k not in ("XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")
        }
        self.environment |= {"DISPLAY": self.display, "HOME": str(self.folder), "NO_AT_BRIDGE": "1"}

    def connect(self) -> Any:
        return xcffib.Connection(display=self.display)  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def x_server(
    width_px: int = 320, height_px: int = 200, *options: str, depth: int = 24, outputs: int = 1
) -> Iterator[XServer]:
    server = XServer(width_px, height_px, *options, depth=depth, outputs=outputs)
    try:
        yield server
    finally:
        server.stop()


class Painter:
    """A client that draws on the root window and reads it by XGetImage, independently of a FrameSource."""

    def __init__(self, server: XServer) -> None:
        self.x = server.connect()
        self.screen = self.x.get_setup().roots[0]
        self.root = self.screen.root
        self.gc = self.x.generate_id()
        include_inferiors = xcffib.xproto.SubwindowMode.IncludeInferiors
        self.x.core.CreateGC(self.gc, self.root, xcffib.xproto.GC.SubwindowMode, [include_inferiors])

    def fill(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        """Draws a rectangle; `colour` is 0xRRGGBB. Returns when the X server has drawn it."""
        self.x.core.ChangeGC(self.gc, xcffib.xproto.GC.Foreground, [colour])
        rectangle = struct.pack("=hhHH", x, y, width, height)
        self.x.core.PolyFillRectangle(self.root, self.gc, 1, [rectangle])
        self.sync()

    def sync(self) -> None:
        """Returns when the X server has executed all earlier requests."""
        self.x.core.GetInputFocus().reply()

    def move_pointer(self, x: int, y: int) -> None:
        self.x.core.WarpPointer(0, self.root, 0, 0, 0, 0, x, y)
        self.sync()

    def pixels(self) -> NDArray[np.uint8]:
        """Returns the pixels of the screen, (height, width, 3), in the order blue, green, red."""
        shape = self.x.core.GetGeometry(self.root).reply()
        width, height = shape.width, shape.height
        z_pixmap = xcffib.xproto.ImageFormat.ZPixmap
        image = self.x.core.GetImage(z_pixmap, self.root, 0, 0, width, height, ALL_PLANES).reply()
        return np.frombuffer(image.data.buf(), np.uint8).reshape(height, width, 4)[:, :, :3]

    def close(self) -> None:
        self.x.disconnect()
