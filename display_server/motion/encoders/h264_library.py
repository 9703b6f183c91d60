"""The H.264 encoders that a host may have, as FFmpeg knows them."""

from __future__ import annotations

from dataclasses import dataclass

from display_server.motion.encoders.stream import Chroma

#: H.264's quantiser: 6 steps halve the precision. At this one no difference is seen at a glance, and still
#: content goes no further: exact tiles follow anyway.
QUALITY_CEILING_QP = 18


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """One encoder: which pixels it takes, how it calls the profiles, the options that make it a camera's:
    no delay, no frame that waits for another, a keyframe only on request.
    """

    name: str
    hardware: bool
    pixel_formats: dict[Chroma, str]
    profiles: dict[Chroma, str]
    options: dict[str, str]


#: Constant quality as long as the rate allows.
LIBX264 = Library(
    "libx264",
    False,
    {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"},
    {Chroma.YUV420: "baseline", Chroma.YUV444: "high444"},
    {
        "preset": "ultrafast",
        "tune": "zerolatency",
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
    {Chroma.YUV420: "yuv420p", Chroma.YUV444: "yuv444p"},
    {Chroma.YUV420: "baseline", Chroma.YUV444: "high444p"},
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
    {Chroma.YUV420: "nv12"},
    {Chroma.YUV420: "baseline"},
    {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "qmin": str(QUALITY_CEILING_QP),
        "forced_idr": "1",
    },
)
LIBRARIES = (NVENC, QSV, LIBX264)
