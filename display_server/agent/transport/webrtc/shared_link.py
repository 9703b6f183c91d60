"""Splits the bandwidth of one device among its connections.

Each window of a device has a connection of its own. The estimator of a connection sees its own packets only,
and remembers, while it is idle, what it had when it was alone. Two connections that begin to send would
therefore send twice what the link carries, until they notice the queue. So whenever one begins or ends, all
that send get equal parts of what is known of the link. From then on each one adapts by itself, and those with
little to send leave the rest for the others to find.
"""

from __future__ import annotations

from display_server.agent.transport.webrtc.estimator import BandwidthEstimator


class SharedLink:
    """The link to one device. Members are the estimators of the connections that have something to send."""

    def __init__(self) -> None:
        self.members: list[BandwidthEstimator] = []
        self._known_bps: float | None = None

    def join(self, member: BandwidthEstimator) -> None:
        """Adds a connection that begins to send. May be called again."""
        if member in self.members:
            return
        self._learn()
        self.members.append(member)
        self._split()

    def leave(self, member: BandwidthEstimator) -> None:
        """Removes a connection that ends sending, or has closed. The others get its part. May be called
        again.
        """
        if member not in self.members:
            return
        self._learn()
        self.members.remove(member)
        member.senders = 1
        self._split()

    def on_connected(self) -> None:
        """Forgets the link if no connection sends: the device may be on another network now."""
        if not self.members:
            self._known_bps = None

    def _learn(self) -> None:
        """Updates what the link is known to carry: what the members have shown to carry together, or one of
        them alone. Members whose estimate was set a moment ago have shown nothing yet.
        """
        settled = [member for member in self.members if member.settled]
        if settled:
            together_bps = sum(member.tried_bps for member in settled)
            self._known_bps = max(together_bps, *(member.estimate_bps for member in settled))
        elif self._known_bps is None and self.members:
            self._known_bps = max(member.estimate_bps for member in self.members)

    def _split(self) -> None:
        for member in self.members:
            member.senders = len(self.members)
            if self._known_bps is not None:
                member.set_estimate(self._known_bps / len(self.members))
