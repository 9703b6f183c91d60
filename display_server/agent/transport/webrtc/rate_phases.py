"""Phases of the rate controller, and the transitions between them (draft-ietf-rmcat-gcc-02, section 5.5)."""

from __future__ import annotations

from enum import Enum

from display_server.agent.transport.webrtc.trendline import Usage


class Phase(Enum):
    """What the rate does until the next report."""

    HOLD = "hold"
    INCREASE = "increase"
    DECREASE = "decrease"


#: After a decrease the rate is held for one report. While a queue drains nothing is learned about the link.
TRANSITIONS: dict[tuple[Phase, Usage], Phase] = {
    (Phase.HOLD, Usage.NORMAL): Phase.INCREASE,
    (Phase.HOLD, Usage.OVERUSE): Phase.DECREASE,
    (Phase.HOLD, Usage.UNDERUSE): Phase.HOLD,
    (Phase.INCREASE, Usage.NORMAL): Phase.INCREASE,
    (Phase.INCREASE, Usage.OVERUSE): Phase.DECREASE,
    (Phase.INCREASE, Usage.UNDERUSE): Phase.HOLD,
    (Phase.DECREASE, Usage.NORMAL): Phase.HOLD,
    (Phase.DECREASE, Usage.OVERUSE): Phase.DECREASE,
    (Phase.DECREASE, Usage.UNDERUSE): Phase.HOLD,
}
