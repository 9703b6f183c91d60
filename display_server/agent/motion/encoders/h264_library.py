"""The H.264 encoders that a host may have, as FFmpeg knows them.

libx264's settings, measured on a camera over a natural scene, 1080p at 30 frames/s, one thread of a shared
2-core machine; milliseconds of a core for a frame, conversion from RGB included, and PSNR in RGB:

                                      4:2:0                     4:4:4
                                ms    4 Mbit/s  10 Mbit/s  ms    4 Mbit/s  10 Mbit/s
ultrafast                       9.7   28.5 dB   34.8 dB    11.4  27.3 dB   32.8 dB
ultrafast, CABAC, 8×8 DCT       no CABAC in Baseline       14.4  29.6 dB   36.5 dB
superfast                       11.9  28.3 dB   34.4 dB    17.2  29.1 dB   35.3 dB
superfast, tuned for PSNR       11.8  28.4 dB   34.8 dB    18.7  29.5 dB   36.4 dB
veryfast                        16.4  28.4 dB   34.4 dB    22.1  29.2 dB   35.3 dB

So slower presets buy nothing in Baseline, which lacks the CABAC and the 8×8 transform that they use; in 4:4:4
these two are what is worth having.
"""

from __future__ import annotations

from dataclasses import dataclass

from display_server.protocol.video_format import Chroma

#: H.264's quantiser: 6 steps halve the precision. At this one no difference is seen at a glance, and still
#: content goes no further: exact tiles follow anyway.
QUALITY_CEILING_QP = 18


@dataclass(frozen=True, slots=True)
class Kind:
    """What an encoder calls the pixels, and its options for one profile."""

    pixel_format: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """One encoder, its kinds, and the options that make it a camera's: no delay, no frame that waits for
    another, a keyframe only on request.
    """

    name: str
    hardware: bool
    kinds: dict[Chroma, Kind]
    options: dict[str, str]


#: Constant quality as long as the rate allows.
LIBX264 = Library(
    "libx264",
    False,
    {
        Chroma.YUV420: Kind("yuv420p", {"profile": "baseline"}),
        Chroma.YUV444: Kind("yuv444p", {"profile": "high444", "x264-params": "cabac=1:8x8dct=1"}),
    },
    {
        "preset": "ultrafast",
        "tune": "zerolatency,psnr",
        "crf": str(QUALITY_CEILING_QP),
        # Else the quantiser falls as the picture comes to rest, and a still costs bits for ever.
        "qcomp": "1",
        "sc_threshold": "0",
        "forced-idr": "1",
    },
)
#: Constant rate with a floor under the quantiser: what comes nearest to libx264's way in hardware.
NVENC = Library(
    "h264_nvenc",
    True,
    {
        Chroma.YUV420: Kind("yuv420p", {"profile": "baseline"}),
        Chroma.YUV444: Kind("yuv444p", {"profile": "high444p"}),
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
    {Chroma.YUV420: Kind("nv12", {"profile": "baseline"})},
    {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "qmin": str(QUALITY_CEILING_QP),
        "forced_idr": "1",
    },
)
LIBRARIES = (NVENC, QSV, LIBX264)
