"""The windows of one device share its way: what is known of it is split among those that send.

Each connection has an estimator of its own, which sees its own packets alone and remembers, while it rests,
what it had when it was last alone. Two that move at once would then send twice what the way carries, until
the queue that they make tells them. So whenever one begins or ends, all that move get an equal part of what
is known; what follows is again each one's own business, and those with less to send leave the rest to be
found by the others.
"""

from __future__ import annotations

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator


class SharedLink:
    """Of one device. Members are the estimators of connections that have something to send."""

    def __init__(self) -> None:
        self.members: list[BandwidthEstimator] = []
        self._known_bps: float | None = None

    def join(self, member: BandwidthEstimator) -> None:
        """It has something to send from now on. Harmless if it is one already."""
        if member in self.members:
            return
        self._learn()
        self.members.append(member)
        self._split()

    def leave(self, member: BandwidthEstimator) -> None:
        """It has nothing to send, or is gone: the others take what it had. Harmless if it is none."""
        if member not in self.members:
            return
        self._learn()
        self.members.remove(member)
        member.senders = 1
        self._split()

    def on_connected(self) -> None:
        """A connection was made: unless others are at work, the way may be another one."""
        if not self.members:
            self._known_bps = None

    def _learn(self) -> None:
        """Updates what the link is known to carry: what the members have shown to carry together, or one of
        them alone. Members whose estimate was set a moment ago have shown nothing yet.
        """
        settled = [member for member in self.members if member.settled]
        if settled:
            together = sum(member.tried_bps for member in settled)
            self._known_bps = max(together, *(member.estimate_bps for member in settled))
        elif self._known_bps is None and self.members:
            self._known_bps = max(member.estimate_bps for member in self.members)

    def _split(self) -> None:
        for member in self.members:
            member.senders = len(self.members)
            if self._known_bps is not None:
                member.set_estimate(self._known_bps / len(self.members))
