"""What the cases with several monitors share: ordering them as a viewer does, and their pages."""

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
#: What stands on a radiologist's desk: two upright monitors of 5 MP, and one for lists.
UPRIGHT: Size = (2048, 2560)
LISTS: Size = (1920, 1080)

#: Says hello as one more window of the same device, orders, and waits for the answer.
_ORDER = """async ([desktop, monitors, subprotocol, ticketPrefix, encodings]) => {
  const answer = await fetch(`/api/v1/desktops/${desktop}/viewers`, { method: 'POST' });
  const { websocket, ticket } = await answer.json();
  const address = new URL(websocket, location.origin.replace('http', 'ws'));
  const socket = new WebSocket(address, [subprotocol, ticketPrefix + ticket]);
  await new Promise((done) => { socket.onopen = done; });
  const say = (message) => socket.send(JSON.stringify(message));
  say({ type: 'hello', protocol: 1, client: 'benchmark', monitor: 0, cache_bytes: 0, encodings });
  say({ type: 'layout', monitors });
  const said = await new Promise((done) => {
    socket.onmessage = ({ data }) => {
      const message = typeof data === 'string' ? JSON.parse(data) : {};
      if (['monitors', 'notice'].includes(message.type)) done(message);
    };
  });
  socket.close();
  return said.type === 'monitors' ? '' : said.message;
}"""


def places(sizes: Sequence[Size]) -> list[tuple[int, int, int, int]]:
    """Side by side: x, y, width and height of each."""
    lefts = [sum(width for width, _ in sizes[:number]) for number in range(len(sizes))]
    return [(left, 0, *size) for left, size in zip(lefts, sizes, strict=True)]


def _order(bench: Bench, sizes: Sequence[Size]) -> None:
    """Raises NotApplicableError where the subject refuses or has no such orders."""
    if bench.running.agent_socket is None:
        raise NotApplicableError("it has no monitors that a page can order")
    monitors = [
        {"id": number, "x": x, "y": y, "width": width, "height": height}
        for number, (x, y, width, height) in enumerate(places(sizes))
    ]
    desktop = urlsplit(bench.surface.page.url).path.rsplit("/", 1)[-1]
    refused = bench.surface.page.evaluate(
        _ORDER, [desktop, monitors, SUBPROTOCOL, TICKET_PREFIX, list(ENCODING_NAMES)]
    )
    if refused:
        raise NotApplicableError(refused)


@contextmanager
def arranged(bench: Bench, sizes: Sequence[Size]) -> Iterator[None]:
    """The desktop with these monitors side by side; afterwards it is as other cases want it, and so is their
    page."""
    page = bench.surface.page
    address, usual = page.url, (bench.stage.width_px, bench.stage.height_px)
    _order(bench, sizes)
    try:
        yield
    finally:
        if page.url != address:
            page.goto(address)
            bench.surface.wait_for_any()
        _order(bench, [usual])
        bench.surface.wait(*usual)


@contextmanager
def window(
    bench: Bench, query: str, viewport: Size, *, tablet: bool = False, desktop: str | None = None
) -> Iterator[Surface]:
    """One more window of the same person on the same desktop; as a `tablet` it has fingers and no mouse.
    `desktop` is its address, where the window of other cases shows something else by now."""
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
