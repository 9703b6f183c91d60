"""Converts RGB to YUV, with the matrix and the range that the stream signals:

H.264 4:4:4   BT.709, full range     grey levels are kept exactly, and colours lose least
H.264 4:2:0   BT.601, limited range  for hardware decoders (iPad), several of which ignore a full-range flag
VP8           BT.601, limited range  by definition: a frame cannot signal anything else

BT.709 in limited range is not used: its factor for blue is 2.11, but the libyuv of Chromium and Firefox
limits factors to 2 on x86, so that blue is shown 12 levels too dark.
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

#: swscale's vector code reads rows in blocks of this many pixels, and so past the end of a row. In the last
#: row of a mapped framebuffer that would be past the mapping.
BLOCK_PX = 16

#: Code points of ITU-T H.273: two matrices and the transfer function of sRGB.
BT709, BT601, SRGB_TRANSFER = 1, 6, 13
#: Code points of FFmpeg for the two ranges of luma: 16 to 235, and 0 to 255.
LIMITED, FULL = 1, 2
#: Weights of red and blue in the luma of each matrix.
WEIGHTS = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114)}


@dataclass(frozen=True, slots=True)
class Colour:
    """Matrix, a code point of H.273, and range of a stream. Pixels are sRGB with either matrix."""

    matrix: int
    full_range: bool

    @property
    def range(self) -> int:
        return FULL if self.full_range else LIMITED

    def signal(self, context: VideoCodecContext) -> None:
        """Writes the colour space into the VUI of an encoder that is not open yet. The transfer function is
        that of sRGB, as of a browser's canvas, so that players convert nothing.
        """
        context.colorspace = self.matrix
        context.color_primaries = BT709  # sRGB's
        context.color_trc = SRGB_TRANSFER
        context.color_range = self.range


def colour_of(stream: StreamFormat) -> Colour:
    """Returns the matrix and range for a stream; the module's docstring gives the reasons."""
    if stream.chroma is Chroma.YUV444:
        return Colour(BT709, full_range=True)
    return Colour(BT601, full_range=False)


class YuvConverter:
    """Converts BGRX pixels of one size into frames of FFmpeg's `pixel_format`. One thread at a time."""

    def __init__(self, stream: StreamFormat, pixel_format: str) -> None:
        """Raises ImportError if PyAV is not installed."""
        from av.video.frame import VideoFrame

        self._kind = VideoFrame
        self._shape = (stream.height_px, stream.width_px, 4)
        self._format = pixel_format
        self._colour = colour_of(stream)
        self._components = yuv_components(*WEIGHTS[self._colour.matrix])
        self._reformatter: VideoReformatter | None = None

    def frame(self, pixels: NDArray[np.uint8]) -> VideoFrame:
        """Converts (height, width, 4) BGRX pixels with any stride. Raises EncoderError for other sizes."""
        if pixels.shape != self._shape or pixels.dtype != np.uint8:
            raise EncoderError(
                f"the stream has frames of {self._shape} uint8, not of {pixels.shape} {pixels.dtype}"
            )
        if self._format == "yuv420p":
            return self._planar(pixels)
        return self._by_swscale(pixels)

    def _planar(self, pixels: NDArray[np.uint8]) -> VideoFrame:
        """Converts to planar 4:2:0, the usual case, in a third of swscale's time."""
        height, width, _ = self._shape
        frame = self._kind(width, height, self._format)
        y, u, v = (_samples(plane) for plane in frame.planes)
        if pixels.strides[1:] != (4, 1):
            pixels = np.ascontiguousarray(pixels)
        to_yuv420(pixels, self._components, y, u, v)
        frame.color_range = self._colour.range
        frame.colorspace = self._colour.matrix
        return frame

    def _by_swscale(self, pixels: NDArray[np.uint8]) -> VideoFrame:
        from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

        if self._reformatter is None:
            self._reformatter = VideoReformatter()
        return self._reformatter.reformat(
            self._kind.from_numpy_buffer(_readable(pixels), "bgra"),
            format=self._format,
            # Each chroma sample is the mean of its pixels: the only exact mode of swscale. The flags say how
            # RGB is read and chroma reduced; nothing is scaled.
            interpolation=Interpolation.AREA | Interpolation.FULL_CHR_H_INP,
            src_color_range=FULL,
            dst_color_range=self._colour.range,
            dst_colorspace=Colorspace.ITU601 if self._colour.matrix == BT601 else Colorspace.ITU709,
            threads=1,
        )


def _samples(plane: VideoPlane) -> NDArray[np.uint8]:
    """Returns a writable view, (height, width), of a plane of a frame."""
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # it is a buffer
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


def _readable(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns `pixels` if swscale may read it in place, or a copy with padding at the end of each row."""
    height, width, _ = pixels.shape
    if width % BLOCK_PX == 0 and pixels.strides[1:] == (4, 1) and pixels.strides[0] > 0:
        return pixels
    padded = np.zeros((height, -(-width // BLOCK_PX) * BLOCK_PX, 4), np.uint8)[:, :width]
    padded[:] = pixels
    return padded
