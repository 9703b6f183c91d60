"""Helps the cases with several monitors: requests a monitor layout and opens a window per monitor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from display_codecs import ENCODING_NAMES

from benchmarks.cases.case import Bench, NotApplicableError
from benchmarks.driver.browser import Surface
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX

#: Width and height, px.
Size = tuple[int, int]
#: A 5 MP monitor of a radiology workstation, in portrait orientation.
PORTRAIT: Size = (2048, 2560)
#: The workstation's monitor for work lists.
LISTS: Size = (1920, 1080)

#: Connects as one more window of the same device, requests a layout and returns the reason of a refusal, or
#: "".
_REQUEST_LAYOUT = """async ([desktop, monitors, subprotocol, ticketPrefix, encodings]) => {
  const answer = await fetch(`/api/v1/desktops/${desktop}/viewers`, { method: 'POST' });
  const { websocket, ticket } = await answer.json();
  const address = new URL(websocket, location.origin.replace('http', 'ws'));
  const socket = new WebSocket(address, [subprotocol, ticketPrefix + ticket]);
  await new Promise((done) => { socket.onopen = done; });
  const send = (message) => socket.send(JSON.stringify(message));
  send({ type: 'hello', protocol: 1, client: 'benchmark', monitor: 0, cache_bytes: 0, encodings });
  send({ type: 'layout', monitors });
  const reply = await new Promise((done) => {
    socket.onmessage = ({ data }) => {
      const message = typeof data === 'string' ? JSON.parse(data) : {};
      if (['monitors', 'notice'].includes(message.type)) done(message);
    };
  });
  socket.close();
  return reply.type === 'monitors' ? '' : reply.message;
}"""


def monitor_rects(sizes: Sequence[Size]) -> list[tuple[int, int, int, int]]:
    """Places monitors from left to right. Returns x, y, width and height of each, px."""
    lefts = [sum(width for width, _ in sizes[:number]) for number in range(len(sizes))]
    return [(left, 0, *size) for left, size in zip(lefts, sizes, strict=True)]


def _request_layout(bench: Bench, sizes: Sequence[Size]) -> None:
    """Raises NotApplicableError if the subject refuses the layout or knows no layouts."""
    if bench.running.agent_socket is None:
        raise NotApplicableError("its page cannot request monitors")
    monitors = [
        {"id": number, "x": x, "y": y, "width": width, "height": height}
        for number, (x, y, width, height) in enumerate(monitor_rects(sizes))
    ]
    desktop = urlsplit(bench.surface.page.url).path.rsplit("/", 1)[-1]
    refusal = bench.surface.page.evaluate(
        _REQUEST_LAYOUT, [desktop, monitors, SUBPROTOCOL, TICKET_PREFIX, list(ENCODING_NAMES)]
    )
    if refusal:
        raise NotApplicableError(refusal)


@contextmanager
def arranged(bench: Bench, sizes: Sequence[Size]) -> Iterator[None]:
    """Gives the desktop these monitors, and restores the single monitor and the page afterwards."""
    page = bench.surface.page
    address, single = page.url, (bench.player.width_px, bench.player.height_px)
    _request_layout(bench, sizes)
    try:
        yield
    finally:
        if page.url != address:
            page.goto(address)
            bench.surface.wait_for_any()
        _request_layout(bench, [single])
        bench.surface.wait(*single)


@contextmanager
def window(
    bench: Bench, query: str, viewport: Size, *, tablet: bool = False, desktop: str | None = None
) -> Iterator[Surface]:
    """Opens one more window of the same person on the same desktop.

    A `tablet` has touch and no mouse. `desktop` is the desktop's URL; by default it is that of the page of
    the other cases, which must not have navigated away.
    """
    page = bench.surface.page.context.new_page()
    try:
        page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
        if tablet:
            session = page.context.new_cdp_session(page)
            session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
            size = {"width": viewport[0], "height": viewport[1], "deviceScaleFactor": 1, "mobile": True}
            session.send("Emulation.setDeviceMetricsOverride", size)
        address = urlsplit(desktop or bench.surface.page.url)
        page.goto(f"{address.scheme}://{address.netloc}{address.path}?{query}")
        yield Surface(page)
    finally:
        page.close()
