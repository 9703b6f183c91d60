"""Follows the arrangement of the monitors, and applies the arrangements that viewers request."""

from __future__ import annotations

import asyncio

import structlog

from display_server.agent.connected_viewers import ConnectedViewers
from display_server.agent.device_ownership import DeviceOwnership
from display_server.agent.pipeline.screen import Screen
from display_server.agent.viewer.viewer import Viewer
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.screen_layout import ScreenLayout
from display_server.errors import LayoutError
from display_server.protocol import messages as m
from display_server.protocol.notice_codes import NoticeCode

log = structlog.get_logger(__name__)


class LayoutControl:
    """`refresh` first. `fixed` says that viewers should not fit the monitors to their windows."""

    def __init__(
        self,
        layout: ScreenLayout,
        screen: Screen,
        viewers: ConnectedViewers,
        ownership: DeviceOwnership,
        *,
        fixed: bool,
    ) -> None:
        self._layout = layout
        self._screen = screen
        self._viewers = viewers
        self._ownership = ownership
        self._fixed = fixed
        self._screen_max_px = 0, 0
        #: The text scale that viewers know, percent.
        self._notified_scale: int | None = None
        self._request: tuple[Viewer, m.Layout] | None = None
        #: The monitors whose windows are to be gathered, with the viewer that gets them and its monitor.
        self._gatherings: dict[int, tuple[Viewer, int]] = {}
        self._requested = asyncio.Event()
        self._refreshing = asyncio.Lock()

    def message_for(self, device: str) -> m.Monitors:
        """Returns the present monitors, as the message for viewers of this device."""
        monitors = (frame.monitor for frame in self._screen.frames.values())
        if self._fixed:
            sizes: m.SizeSource = "fixed"
        else:
            sizes = "window" if self._ownership.sets_sizes(device) else "other"
        return m.Monitors(
            monitors=[
                m.MonitorLayout(
                    monitor.id, monitor.x, monitor.y, monitor.width, monitor.height, monitor.primary
                )
                for monitor in sorted(monitors, key=lambda monitor: monitor.id)
            ],
            screen_max=self._screen_max_px if self._layout.adjustable else None,
            scale=self._layout.scale_percent,
            sizes=sizes,
        )

    def request(self, viewer: Viewer, layout: m.Layout) -> None:
        """Applies this arrangement soon. The latest request replaces earlier ones: a window that is being
        resized makes many.
        """
        self._request = viewer, layout
        self._requested.set()

    def limit(self, viewer: Viewer) -> None:
        """Removes the monitors soon that the policy of a viewer does not allow.

        These are the ones with the highest numbers. Displays that run without Lightbox keep theirs.
        """
        frames = sorted(self._screen.frames)
        if len(frames) <= viewer.policy.monitors or not self._layout.adjustable:
            return
        kept = [self._screen.frames[number].monitor for number in frames[: viewer.policy.monitors]]
        first = next((monitor.id for monitor in kept if monitor.primary), 0)
        self.request(
            viewer,
            m.Layout(
                [
                    m.RequestedMonitor(one.id, one.x, one.y, one.width, one.height, one.id == first)
                    for one in kept
                ]
            ),
        )

    def request_gathering(self, viewer: Viewer, monitor: int, own: int) -> None:
        """Moves the windows of this monitor to the viewer's own one soon."""
        self._gatherings.setdefault(monitor, (viewer, own))
        self._requested.set()

    async def refresh(self) -> None:
        """Adopts the X server's present arrangement, whoever made it. Raises CaptureError, Malfunction."""
        async with self._refreshing:
            arrangement = await self._layout.read()
            self._screen_max_px = arrangement.screen_max
            scale = self._layout.scale_percent
            changed = await self._screen.arrange(
                arrangement.monitors, arrangement.width_px, arrangement.height_px
            )
            # The monitors of a request may have been adopted before its text scale.
            if changed or scale != self._notified_scale:
                self._notified_scale = scale
                for viewer in self._viewers:
                    viewer.notify_monitors()

    async def follow(self) -> None:
        """Follows changes that others make. Runs until it is cancelled."""
        while True:
            await self._layout.wait_for_change()
            await self.refresh()

    async def apply_requests(self) -> None:
        """Applies the viewers' requests. Runs until it is cancelled."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            request, self._request = self._request, None
            if request is not None:
                await self._apply(*request)
            while self._gatherings:
                monitor, (viewer, own) = self._gatherings.popitem()
                await self._gather(viewer, monitor, own)

    async def _gather(self, viewer: Viewer, monitor: int, own: int) -> None:
        count = await self._layout.gather(monitor, own)
        log.info("windows gathered", viewer=viewer.id, monitor=monitor, windows=count)
        if count:
            text = f"{count} windows of monitor {monitor + 1} are on monitor {own + 1} now."
            viewer.notify_notice(NoticeCode.WINDOWS_GATHERED, text)

    async def _apply(self, viewer: Viewer, request: m.Layout) -> None:
        if len(request.monitors) > viewer.policy.monitors:
            viewer.notify_notice(
                NoticeCode.LAYOUT_REFUSED,
                f"The policy for you and this device allows at most {viewer.policy.monitors} monitors. "
                "Ask your administrator if you need more.",
            )
            viewer.notify_monitors()  # the viewer waits for an answer
            self.limit(viewer)
            return
        before = self.message_for(viewer.device)
        monitors = [Monitor(p.id, p.x, p.y, p.width, p.height, p.primary) for p in request.monitors]
        try:
            await self._layout.apply(monitors, request.scale)
        except LayoutError as error:
            viewer.notify_notice(NoticeCode.LAYOUT_REFUSED, str(error))
            return
        finally:
            # An arrangement that was tried and taken back may have been noticed as well.
            await self.refresh()
        log.info("monitors arranged", viewer=viewer.id, monitors=len(monitors), scale=request.scale)
        if self.message_for(viewer.device) == before:
            viewer.notify_monitors()  # nothing changed, but the viewer waits for an answer
