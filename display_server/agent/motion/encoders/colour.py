"""RGB becomes YUV, with the matrix and the range that the stream signals.

Which, per kind of stream:

H.264 4:4:4   BT.709, full range     grey stays grey to the level, colours lose least
H.264 4:2:0   BT.601, limited range  for hardware decoders (iPad), several of which ignore a full-range flag
VP8           BT.601, limited range  by definition: a frame has no room to say anything else

BT.709 in limited range is not for browsers: its factor for blue is 2.11, and the libyuv of Chromium and
Firefox stops at 2 on x86, so that blue comes out 12 levels too dark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from display_codecs import to_yuv420, yuv_components
from numpy.typing import NDArray

from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane
    from av.video.reformatter import VideoReformatter

#: swscale's vector code reads whole blocks of pixels and so past a row's end; in the last row of a mapped
#: framebuffer that would be past the mapping.
BLOCK_PX = 16

#: Code points of ITU-T H.273.
BT709, BT601, SRGB_TRANSFER = 1, 6, 13
LIMITED, FULL = 1, 2
#: Of red and blue in the luma of each matrix.
WEIGHTS = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114)}


@dataclass(frozen=True, slots=True)
class Colour:
    """`matrix` is a code point of H.273; a pixel is sRGB in either."""

    matrix: int
    full_range: bool

    @property
    def range(self) -> int:
        return FULL if self.full_range else LIMITED

    def signal(self, context: VideoCodecContext) -> None:
        """Into the VUI of a stream not yet opened. The transfer is sRGB's: what a browser's canvas has, so no
        player converts anything.
        """
        context.colorspace = self.matrix
        context.color_primaries = BT709  # sRGB's
        context.color_trc = SRGB_TRANSFER
        context.color_range = self.range


def colour_of(stream: StreamFormat) -> Colour:
    if stream.chroma is Chroma.YUV444:
        return Colour(BT709, full_range=True)
    return Colour(BT601, full_range=False)


class YuvConverter:
    """BGRX pictures of one size into frames of `pixel_format`. One thread at a time."""

    def __init__(self, stream: StreamFormat, pixel_format: str) -> None:
        """Raises ImportError where PyAV is not installed."""
        from av.video.frame import VideoFrame

        self._kind = VideoFrame
        self._shape = (stream.height_px, stream.width_px, 4)
        self._format = pixel_format
        self._colour = colour_of(stream)
        self._components = yuv_components(*WEIGHTS[self._colour.matrix])
        self._reformatter: VideoReformatter | None = None

    def frame(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """`picture` is (height, width, 4) BGRX; rows may lie apart. Raises EncoderError for another shape."""
        if picture.shape != self._shape or picture.dtype != np.uint8:
            raise EncoderError(
                f"a picture of {picture.shape} {picture.dtype} in a stream of {self._shape} uint8"
            )
        if self._format == "yuv420p":
            return self._planar(picture)
        return self._by_swscale(picture)

    def _planar(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """What nearly every stream is, by our own code: a third of swscale's time."""
        height, width, _ = self._shape
        frame = self._kind(width, height, self._format)
        y, u, v = (_samples(plane) for plane in frame.planes)
        if picture.strides[1:] != (4, 1):
            picture = np.ascontiguousarray(picture)
        to_yuv420(picture, self._components, y, u, v)
        frame.color_range = self._colour.range
        frame.colorspace = self._colour.matrix
        return frame

    def _by_swscale(self, picture: NDArray[np.uint8]) -> VideoFrame:
        from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

        if self._reformatter is None:
            self._reformatter = VideoReformatter()
        return self._reformatter.reformat(
            self._kind.from_numpy_buffer(_readable(picture), "bgra"),
            format=self._format,
            # Chroma is the mean of the pixels that share it: the only way of swscale's that is exact. The
            # names say how it reads RGB and shrinks chroma; nothing is scaled.
            interpolation=Interpolation.AREA | Interpolation.FULL_CHR_H_INP,
            src_color_range=FULL,
            dst_color_range=self._colour.range,
            dst_colorspace=Colorspace.ITU601 if self._colour.matrix == BT601 else Colorspace.ITU709,
            threads=1,
        )


def _samples(plane: VideoPlane) -> NDArray[np.uint8]:
    """(height, width) of a frame's plane, to be written."""
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # it is a buffer
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


def _readable(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture itself when swscale may read it where it lies, else a copy with room at each row's end."""
    height, width, _ = picture.shape
    if width % BLOCK_PX == 0 and picture.strides[1:] == (4, 1) and picture.strides[0] > 0:
        return picture
    roomy = np.zeros((height, -(-width // BLOCK_PX) * BLOCK_PX, 4), np.uint8)[:, :width]
    roomy[:] = picture
    return roomy
