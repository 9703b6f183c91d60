"""A desktop's X server: Xvfb with its framebuffer in a private file, one cookie, and no network."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.children import Child, Children, describe_exit
from display_server.desktop.spec import DesktopSpec
from display_server.desktop.xauthority import write_xauthority
from display_server.errors import DesktopError

#: It takes 0.1 to 0.3 s on an idle host.
START_TIMEOUT_S = 15.0
DPI = 96
#: How much of its last words we tell.
WORDS_MAX = 400


@dataclass(frozen=True)
class XServer:
    """`display` is `:N`. `child` is None where the server is not ours."""

    display: str
    xauthority: Path
    child: Child | None


async def start_x_server(children: Children, spec: DesktopSpec, environment: Mapping[str, str]) -> XServer:
    """Returns when it takes connections. Raises DesktopError with its last words."""
    folder = Path(spec.folder)
    xauthority, words = folder / "xauthority", folder / "x_server.log"
    spec.framebuffer_folder.mkdir(mode=0o700, exist_ok=True)
    write_xauthority(xauthority)
    number_reader, number_writer = os.pipe()
    log = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        child = children.start(
            "X server",
            _command(spec, number_writer, xauthority),
            environment,
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


def attached(display: str, environment: Mapping[str, str]) -> XServer:
    """A display that runs already, with the authority that this process's environment names."""
    named = environment.get("XAUTHORITY")
    path = Path(named) if named else Path(environment.get("HOME", "/")) / ".Xauthority"
    return XServer(display, path if path.exists() else Path(os.devnull), None)


def last_words(spec: DesktopSpec) -> str:
    return _quote(Path(spec.folder) / "x_server.log")


def _command(spec: DesktopSpec, number: int, xauthority: Path) -> list[str]:
    return [
        "Xvfb",
        *("-displayfd", str(number)),  # picks a free display, and says which when it is ready
        *("-screen", "0", f"{spec.width_px}x{spec.height_px}x24"),
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
