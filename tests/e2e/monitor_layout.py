"""Changes the monitors of a desktop and reads them from the X server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from display_codecs import ENCODING_NAMES

from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.e2e.processes import wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer
from tests.e2e.x_desktop.display import Window, XDisplay

#: x, y, width, height on the desktop, px.
Place = tuple[int, int, int, int]

REQUEST_LAYOUT = """
const ticket = await (await fetch(`/api/v1/desktops/${desktop}/viewers`, { method: 'POST' })).json();
const address = new URL(ticket.websocket, location.origin.replace('http', 'ws'));
const socket = new WebSocket(address, [subprotocol, ticketPrefix + ticket.ticket]);
await new Promise((done) => { socket.onopen = done; });
const send = (message) => socket.send(JSON.stringify(message));
send({ type: 'hello', protocol: 1, client: 'test', monitor: 0, cache_bytes: 0, encodings });
send({ type: 'layout', monitors });
await new Promise((done) => {
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string' && ['monitors', 'notice'].includes(JSON.parse(data).type)) done();
  };
});
socket.close();
"""


def request_layout(viewer: Viewer, desktop: str, places: Sequence[Place]) -> None:
    """Requests a layout over a separate WebSocket. Returns when the agent has answered."""
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
    viewer.browser.evaluate(f"const {{ {', '.join(constants)} }} = {json.dumps(constants)};{REQUEST_LAYOUT}")


def set_layout(viewer: Viewer, desktop: str, places: Sequence[Place], screen: XDisplay) -> None:
    """Requests a layout as the panel does. Returns when the X server has it."""
    if set(read_monitors(screen)) != set(places):
        request_layout(viewer, desktop, places)
    wait_for_monitors(viewer, screen, places)


def wait_for_monitors(
    viewer: Viewer, screen: XDisplay, places: Sequence[Place], timeout_s: float = PATIENCE_S
) -> None:
    wait_for(
        lambda: set(read_monitors(screen)) == set(places),
        timeout_s=timeout_s,
        what=lambda: f"monitors {places}; there are {read_monitors(screen)}; {viewer.situation()}",
    )


def read_monitors(screen: XDisplay) -> list[Place]:
    """Returns the monitors of `xrandr --listmonitors`; none if an output vanishes while they are read."""
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


def is_inside(window: Window, monitor: Place) -> bool:
    x, y, width, height = monitor
    return (
        x <= window.x
        and y <= window.y
        and window.x + window.width <= x + width
        and window.y + window.height <= y + height
    )
