"""Decides when an encoder whose rate is fixed at opening is opened anew for another rate. Pure.

PyAV 18 can change one rate of an open encoder, `bit_rate`, which libx264 heeds only without a quality limit
(`crf`). Measured on 720p (30 frames/s, 2 to 8 Mbit/s, a new rate every second):

                               bits over the wanted rate    PSNR: mean, worst frame
`bit_rate` while open          up to 34 % after a decrease  31.6 dB   24.9 dB
reopened for each change       at most 4 %                  31.7 dB   28.2 dB
`maxrate` of FFmpeg's own      at most 4 %                  31.6 dB   30.0 dB
  structure, found by its address

The last one needs a search through PyAV's memory. So the encoder is reopened. That takes 6 ms at 720p, and
the keyframe that follows takes the bits of two frames, because the rate control buffer limits keyframes as
well. Small differences of the rate are not worth a keyframe. With the limits below, 60 s of 30 frames/s on
simulated links had 6 keyframes at constant 10 Mbit/s, 31 at 4 Mbit/s with jitter, and 23 on a link that
changed between 20 and 5 Mbit/s every 10 s.
"""

from __future__ import annotations

#: Below this fraction of the rate that the encoder was opened for, its frames would overfill the link.
LOWER_BELOW = 0.85
#: An encoder is not reopened for a lower rate sooner than this after it was opened, s …
LOWER_AFTER_S = 0.2
#: … except below this fraction: then every frame adds to a queue.
LOWER_AT_ONCE_BELOW = 0.5
#: Above this multiple of the rate that it was opened for, a better picture is worth a keyframe …
RAISE_ABOVE = 1.25
#: … but not sooner than this after it was opened, s: estimates rise in steps when video begins.
RAISE_AFTER_S = 0.5
#: The same for small differences, so that no stream stays below its rate for good; multiple, and s.
TRIM_ABOVE, TRIM_AFTER_S = 1.1, 5.0
#: A frame that is to be a keyframe anyway: the smallest relative difference worth 6 ms.
KEYFRAME_TOLERANCE = 0.03


class ReopeningPolicy:
    """Follows the wanted rate of one stream."""

    def __init__(self) -> None:
        self._rate_bps = 0
        self._opened_s = 0.0

    def on_opened(self, rate_bps: int, at_s: float) -> None:
        self._rate_bps, self._opened_s = rate_bps, at_s

    def should_reopen(self, wanted_bps: int, at_s: float, *, keyframe: bool) -> bool:
        """Returns whether the frame captured at `at_s` needs an encoder that is opened for `wanted_bps`."""
        factor = wanted_bps / max(self._rate_bps, 1)
        age_s = at_s - self._opened_s
        if keyframe:
            return abs(factor - 1) > KEYFRAME_TOLERANCE
        if factor < 1:
            return factor < LOWER_AT_ONCE_BELOW or (factor < LOWER_BELOW and age_s >= LOWER_AFTER_S)
        return (factor > RAISE_ABOVE and age_s >= RAISE_AFTER_S) or (
            factor > TRIM_ABOVE and age_s >= TRIM_AFTER_S
        )
