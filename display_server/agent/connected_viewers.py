"""The viewers that are connected, and which of them may stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.device_activity import DeviceActivity
from display_server.agent.device_ownership import DeviceOwnership
from display_server.agent.viewer.viewer import Viewer
from display_server.desktop.clipboard_policy import ClipboardRights
from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.telemetry.metrics import AgentMetrics


class ConnectedViewers:
    """Iterates over a copy, in the order of arrival: viewers may leave meanwhile.

    `activity` records which devices lose the desktop. `clock` returns the monotonic time in s.
    """

    def __init__(
        self,
        ownership: DeviceOwnership,
        activity: DeviceActivity,
        metrics: AgentMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._ownership = ownership
        self._activity = activity
        self._clock = clock
        self._metrics = metrics
        self._viewers: dict[Viewer, None] = {}  # a set that keeps the order

    def __iter__(self) -> Iterator[Viewer]:
        return iter(list(self._viewers))

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        self._viewers[viewer] = None

    def remove(self, viewer: Viewer) -> None:
        self._viewers.pop(viewer, None)

    def admit(self, viewer: Viewer, hello: m.Hello) -> bool:
        """Returns whether the viewer's device may display the desktop.

        Disconnects the viewer if it may not, and otherwise the viewers of all devices that lost that right.
        """
        now_s, former = self._clock(), self._ownership.owner
        connected = {other.device for other in self if other.welcomed and other is not viewer}
        if not self._ownership.claim(
            viewer.device, hello.device, connected, resume=hello.resume, share=viewer.policy.share
        ):
            self._activity.on_lost(viewer.device, now_s)
            viewer.dismiss(self._ownership.owner_name)
            return False
        if former is not None and not self._ownership.may_display(former):
            self._activity.on_lost(former, now_s)  # also if it has no connection at the moment
        self._activity.on_displayed(viewer.device)
        self._dismiss_others(now_s)
        return True

    def use_policy(self, device: str, policy: SessionPolicy) -> list[Viewer]:
        """Replaces the policy of the viewers of a device, and returns those.

        Disconnects the viewers of other devices if the desktop is no longer shared.
        """
        changed = [viewer for viewer in self if viewer.device == device]
        for viewer in changed:
            viewer.use_policy(policy)
        self._ownership.use_share(device, share=policy.share)
        self._dismiss_others(self._clock())
        return changed

    def allow_copying(self, clipboard: DesktopClipboard | None, otherwise: ClipboardRights) -> None:
        """Has the clipboard list what at least one viewer, or one without a policy, may fetch."""
        if clipboard is None:
            return
        rights = [otherwise, *(viewer.policy.clipboard for viewer in self)]
        clipboard.allow(
            from_desktop=any(one.from_desktop != "nothing" for one in rights),
            images=any(one.from_desktop == "text-and-images" for one in rights),
            max_bytes=max(one.from_desktop_max_bytes for one in rights),
        )

    def _dismiss_others(self, now_s: float) -> None:
        """Disconnects the viewers of devices that may not display the desktop any more."""
        for other in self:
            if other.welcomed and not self._ownership.may_display(other.device):
                self._activity.on_lost(other.device, now_s)
                other.dismiss(self._ownership.owner_name)

    def on_second(self, now_s: float) -> None:
        """Called once per second."""
        connected = dict.fromkeys(viewer.device for viewer in self if viewer.welcomed)
        if self._ownership.on_second(connected, now_s):
            for viewer in self:
                viewer.notify_monitors()
        for viewer in self:
            try:
                viewer.on_second(now_s)
            except ProtocolError as error:
                self._metrics.violations += 1
                viewer.close(error.close_code, str(error))
