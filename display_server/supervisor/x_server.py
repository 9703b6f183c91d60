"""A desktop's X server: Xvfb with its framebuffer in a private file, one cookie, and no network."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.spec import DesktopSpec
from display_server.desktop.x11.monitors import MONITORS_MAX, SCREEN_MAX, Monitor
from display_server.errors import DesktopError, LayoutError
from display_server.supervisor.children import Child, Children, describe_exit
from display_server.supervisor.xauthority import write_xauthority

#: It takes 0.1 to 0.3 s on an idle host.
START_TIMEOUT_S = 15.0
DPI = 96
#: How much of its last words we tell.
WORDS_MAX = 400
#: Gives an Xvfb an output for each monitor. Built by `desktop.build_outputs`; without it there is one.
OUTPUTS_LIBRARY = Path(__file__).parents[1] / "desktop" / "x11" / "native" / "outputs.so"


@dataclass(frozen=True)
class XServer:
    """`display` is `:N`. `child` is None where the server is not ours."""

    display: str
    xauthority: Path
    child: Child | None


async def start_x_server(
    children: Children,
    spec: DesktopSpec,
    environment: Mapping[str, str],
    screen_max: tuple[int, int] = SCREEN_MAX,
) -> XServer:
    """Returns when it takes connections. Raises DesktopError with its last words.

    The screen is as large as it can become, px: an Xvfb shrinks, and grows again, but never beyond its first
    size. `lay_out` makes it what was ordered.
    """
    folder = Path(spec.folder)
    xauthority, words = folder / "xauthority", folder / "x_server.log"
    spec.framebuffer_folder.mkdir(mode=0o700, exist_ok=True)
    write_xauthority(xauthority)
    number_reader, number_writer = os.pipe()
    log = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        child = children.start(
            "X server",
            _command(spec, number_writer, xauthority, screen_max),
            {**environment, **_outputs()},
            output=log,
            pass_fds=[number_writer],
        )
    except DesktopError:
        os.close(number_reader)
        raise
    finally:
        os.close(log)
        os.close(number_writer)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            number = (await _read_all(number_reader)).strip()
    except TimeoutError as error:
        raise DesktopError(
            f"The X server did not start within {START_TIMEOUT_S:g} s.{_quote(words)}"
        ) from error
    finally:
        os.close(number_reader)
    if not number:
        code = await child.wait()
        raise DesktopError(f"The X server did not start ({describe_exit(code)}).{_quote(words)}")
    return XServer(f":{number.decode()}", xauthority, child)


def lay_out(server: XServer, spec: DesktopSpec) -> None:
    """One monitor of the ordered size, and nothing kept for what it does not show. Blocks for 10 to 60 ms.

    Raises DesktopError.
    """
    # Needed once the server runs; its import must not delay that.
    from display_server.desktop.x11.framebuffer import arrange
    from display_server.desktop.x11.randr import Randr

    with contextlib.closing(Randr(server.display, server.xauthority)) as randr:
        try:
            arrange(randr, [Monitor(0, 0, 0, spec.width_px, spec.height_px)], spec.framebuffer_folder)
        except LayoutError as error:
            raise DesktopError(
                f"The desktop cannot have {spec.width_px}×{spec.height_px}: {error}"
            ) from error


def size_of(server: XServer) -> tuple[int, int]:
    """Width and height of its screen, px. Blocks. Raises DesktopError when it does not answer."""
    from display_server.desktop.x11.x_connection import XConnection

    connection = XConnection(server.display, server.xauthority, failure=DesktopError)
    with contextlib.closing(connection):
        return connection.screen.width_in_pixels, connection.screen.height_in_pixels


def attached(display: str, environment: Mapping[str, str]) -> XServer:
    """A display that runs already, with the authority that this process's environment names."""
    named = environment.get("XAUTHORITY")
    path = Path(named) if named else Path(environment.get("HOME", "/")) / ".Xauthority"
    return XServer(display, path if path.exists() else Path(os.devnull), None)


def last_words(spec: DesktopSpec) -> str:
    return _quote(Path(spec.folder) / "x_server.log")


def _outputs() -> dict[str, str]:
    if not OUTPUTS_LIBRARY.exists():
        return {}
    return {"LD_PRELOAD": str(OUTPUTS_LIBRARY), "LIGHTBOX_OUTPUTS": str(MONITORS_MAX)}


def _command(spec: DesktopSpec, number: int, xauthority: Path, screen_max: tuple[int, int]) -> list[str]:
    width_px, height_px = max(spec.width_px, screen_max[0]), max(spec.height_px, screen_max[1])
    if min(spec.width_px, spec.height_px) <= 0:
        width_px, height_px = spec.width_px, spec.height_px  # the server says what is wrong with them
    return [
        "Xvfb",
        *("-displayfd", str(number)),  # picks a free display, and says which when it is ready
        *("-screen", "0", f"{width_px}x{height_px}x24"),
        *("-fbdir", str(spec.framebuffer_folder)),
        *("-auth", str(xauthority)),
        *("-nolisten", "tcp"),
        *("-dpi", str(DPI)),
        *("-s", "0"),  # no screen saver
        "-noreset",  # the last program to end must not take keyboard and root window with it
        "-nocursor",  # the viewer draws the pointer; it must never be in the framebuffer
        "-r",  # repeats of held keys come from the viewer: a stalled network must not type
    ]


async def _read_all(descriptor: int) -> bytes:
    """Until end of file or a newline."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, readable.set)
    data = b""
    try:
        while b"\n" not in data:
            await readable.wait()
            readable.clear()
            with contextlib.suppress(BlockingIOError):
                part = os.read(descriptor, 64)
                if not part:
                    break
                data += part
    finally:
        loop.remove_reader(descriptor)
    return data


def _quote(log: Path) -> str:
    try:
        words = log.read_text(errors="replace").strip()
    except OSError:
        return ""
    lines = [line for line in words.splitlines() if line and not line.startswith("_XSERV")]
    return f" It said: {' | '.join(lines)[-WORDS_MAX:]}" if lines else ""
