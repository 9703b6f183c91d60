"""Options of an encoder that is running.

FFmpeg's wrappers of libx264, NVENC and QSV take a new `maxrate`, `bufsize` or `b` before any frame, without
a keyframe. PyAV sets options only before it opens an encoder, so they are set here on the structure beneath:
FFmpeg's own `av_opt_set_int` does it, and all that is presumed is that a PyAV object holds the pointer to its
AVCodecContext near its head. It is looked for, and believed only when it points at something that begins with
FFmpeg's mark of an AVCodecContext; the kernel reads the memory, so that a wrong guess is an error and not a
crash. Where it is not found, encoders start anew instead, at the price of a keyframe.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_WORD = struct.calcsize("P")
#: Behind the object's reference count and type.
_FIELD_OFFSETS = range(2 * _WORD, 8 * _WORD, _WORD)


class _Libraries:
    """The FFmpeg that PyAV has loaded into this process. Raises OSError when it cannot be told which."""

    def __init__(self) -> None:
        paths = {
            Path(fields[5]).name.split("-")[0].split(".")[0]: fields[5]
            for line in Path("/proc/self/maps").read_text().splitlines()
            if len(fields := line.split(maxsplit=5)) == 6 and ".so" in fields[5]
        }
        try:
            utility, codecs = (ctypes.CDLL(paths[name]) for name in ("libavutil", "libavcodec"))
            self.set_int = utility.av_opt_set_int
            get_class = codecs.avcodec_get_class
        except (KeyError, AttributeError) as error:
            raise OSError(f"PyAV's FFmpeg is not in this process: {error}") from error
        self.set_int.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int)
        get_class.restype = ctypes.c_void_p
        self.context_class: int = get_class()


@functools.cache
def _libraries() -> _Libraries:
    return _Libraries()


class LiveOptions:
    """`found` tells whether options of this open context can be set at all."""

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context  # keeps alive what is pointed at
        try:
            self._address = _address_of(context)
        except OSError:
            self._address = 0

    @property
    def found(self) -> bool:
        return self._address != 0

    def set(self, **options: int) -> bool:
        """Each by FFmpeg's name for it. False when any was not taken."""
        return self.found and all(
            _libraries().set_int(self._address, name.encode(), value, 0) >= 0
            for name, value in options.items()
        )


def _address_of(context: VideoCodecContext) -> int:
    """Of the AVCodecContext beneath, 0 when it is not found. Raises OSError when memory cannot be read."""
    mark = _libraries().context_class
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        for offset in _FIELD_OFFSETS:
            address = _word(memory, id(context) + offset)
            if address and _word(memory, address) == mark:
                return address
    finally:
        os.close(memory)
    return 0


def _word(memory: int, address: int) -> int:
    """0 for what is not mapped."""
    try:
        (word,) = struct.unpack("P", os.pread(memory, _WORD, address))
    except (OSError, OverflowError, struct.error):
        return 0
    return int(word)
