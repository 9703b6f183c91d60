"""The H.264 encoders that a host may have, with the options that FFmpeg gives them.

Settings of libx264, measured on a camera that pans over a natural scene, 1080p at 30 frames/s, with one
thread of a shared 2-core machine. Each column has milliseconds of one core per frame, including the
conversion from RGB, and the PSNR in RGB at two rates:

                                      4:2:0                     4:4:4
                                ms    4 Mbit/s  10 Mbit/s  ms    4 Mbit/s  10 Mbit/s
ultrafast                       9.7   28.5 dB   34.8 dB    11.4  27.3 dB   32.8 dB
ultrafast, CABAC, 8×8 DCT       no CABAC in Baseline       14.4  29.6 dB   36.5 dB
superfast                       11.9  28.3 dB   34.4 dB    17.2  29.1 dB   35.3 dB
superfast, tuned for PSNR       11.8  28.4 dB   34.8 dB    18.7  29.5 dB   36.4 dB
veryfast                        16.4  28.4 dB   34.4 dB    22.1  29.2 dB   35.3 dB

Slower presets gain nothing in Baseline, which lacks the CABAC and the 8×8 transform that they use. In 4:4:4
those two are worth their time, and the rest of the presets is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from display_server.protocol.video_format import Chroma

#: Finest quantiser that is used; 6 steps halve the precision. At 18 differences are hard to see, and content
#: at rest needs nothing finer, because exact tiles replace it.
QUALITY_CEILING_QP = 18


@dataclass(frozen=True, slots=True)
class EncoderProfile:
    """An H.264 profile: FFmpeg's name of the pixel format, and the encoder's options."""

    pixel_format: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """An encoder library of FFmpeg. `options` are for live video: no delay, no reordering, keyframes only on
    request.
    """

    name: str
    hardware: bool
    profiles: dict[Chroma, EncoderProfile]
    options: dict[str, str]


#: Constant quality as long as the rate allows it.
LIBX264 = Library(
    "libx264",
    False,
    {
        Chroma.YUV420: EncoderProfile("yuv420p", {"profile": "baseline"}),
        Chroma.YUV444: EncoderProfile("yuv444p", {"profile": "high444", "x264-params": "cabac=1:8x8dct=1"}),
    },
    {
        "preset": "ultrafast",
        "tune": "zerolatency,psnr",
        "crf": str(QUALITY_CEILING_QP),
        # Without this the quantiser falls when the content comes to rest, and a still costs bits for ever.
        "qcomp": "1",
        "sc_threshold": "0",
        "forced-idr": "1",
    },
)
#: Constant rate with a lower limit of the quantiser: the nearest to libx264's constant quality in hardware.
NVENC = Library(
    "h264_nvenc",
    True,
    {
        Chroma.YUV420: EncoderProfile("yuv420p", {"profile": "baseline"}),
        Chroma.YUV444: EncoderProfile("yuv444p", {"profile": "high444p"}),
    },
    {
        "preset": "p3",
        "tune": "ull",
        "rc": "cbr",
        "qmin": str(QUALITY_CEILING_QP),
        "qmax": "51",
        "delay": "0",
        "zerolatency": "1",
        "no-scenecut": "1",
        "forced-idr": "1",
    },
)
QSV = Library(
    "h264_qsv",
    True,
    {Chroma.YUV420: EncoderProfile("nv12", {"profile": "baseline"})},
    {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "qmin": str(QUALITY_CEILING_QP),
        "forced_idr": "1",
    },
)
LIBRARIES = (NVENC, QSV, LIBX264)
