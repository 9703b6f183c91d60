"""What the tests of several monitors share: ordering them, and what programs and the X server see of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from display_codecs import ENCODING_NAMES

from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.e2e.x_desktop.display import Window, XDisplay
from tests.e2e.processes import wait_for
from tests.e2e.viewer import Viewer

#: x, y, width, height on the desktop, px.
Place = tuple[int, int, int, int]

ORDER = """
const ticket = await (await fetch(`/api/v1/desktops/${desktop}/viewers`, { method: 'POST' })).json();
const address = new URL(ticket.websocket, location.origin.replace('http', 'ws'));
const socket = new WebSocket(address, [subprotocol, ticketPrefix + ticket.ticket]);
await new Promise((done) => { socket.onopen = done; });
const say = (message) => socket.send(JSON.stringify(message));
say({ type: 'hello', protocol: 1, client: 'test', monitor: 0, cache_bytes: 0, encodings });
say({ type: 'layout', monitors });
await new Promise((done) => {
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string' && ['monitors', 'notice'].includes(JSON.parse(data).type)) done();
  };
});
socket.close();
"""


def ask(viewer: Viewer, desktop: str, places: Sequence[Place]) -> None:
    """Orders by a WebSocket of its own, which says hello and this; returns when it is answered."""
    monitors = [
        {"id": number, "x": x, "y": y, "width": width, "height": height}
        for number, (x, y, width, height) in enumerate(places)
    ]
    constants = {
        "desktop": desktop,
        "monitors": monitors,
        "subprotocol": SUBPROTOCOL,
        "ticketPrefix": TICKET_PREFIX,
        "encodings": list(ENCODING_NAMES),
    }
    viewer.browser.evaluate(f"const {{ {', '.join(constants)} }} = {json.dumps(constants)};{ORDER}")


def order(viewer: Viewer, desktop: str, places: Sequence[Place], screen: XDisplay) -> None:
    """As the panel does, without its clicks; returns when the X server has it."""
    if set(listed(screen)) != set(places):
        ask(viewer, desktop, places)
    wait_listed(viewer, screen, places)


def wait_listed(viewer: Viewer, screen: XDisplay, places: Sequence[Place], timeout_s: float = 15.0) -> None:
    wait_for(
        lambda: set(listed(screen)) == set(places),
        timeout_s=timeout_s,
        what=lambda: f"monitors {places}; there are {listed(screen)}; {viewer.situation()}",
    )


def listed(screen: XDisplay) -> list[Place]:
    """By `xrandr --listmonitors`; none when an output goes while it is read."""
    found: list[Place] = []
    try:
        lines = screen.run("xrandr", "--listmonitors").splitlines()[1:]
    except subprocess.CalledProcessError:
        return found
    for line in lines:
        size, x, y = line.split()[2].replace("x", "+", 1).replace("/", "+").rsplit("+", 2)
        width, _, height, _ = size.split("+")
        found.append((int(x), int(y), int(width), int(height)))
    return found


def inside(window: Window, monitor: Place) -> bool:
    x, y, width, height = monitor
    return (
        x <= window.x
        and y <= window.y
        and window.x + window.width <= x + width
        and window.y + window.height <= y + height
    )
