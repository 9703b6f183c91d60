"""The X server of a desktop: an Xvfb with its framebuffer in a private file, one cookie and no TCP."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from display_server.desktop.session_processes import explain_exit
from display_server.desktop.spec import DesktopSpec, DesktopStatus
from display_server.desktop.x11.monitors import SCREEN_MAX, Monitor
from display_server.desktop.x11.outputs import outputs_environment
from display_server.desktop.x11.xauthority import new_cookie, write_xauthority
from display_server.errors import DesktopError, LayoutError
from display_server.protocol.limits import MONITORS_MAX
from display_server.spawner import layout
from display_server.supervisor.children import Child, Children
from display_server.supervisor.descriptors import read_line
from display_server.supervisor.places import Places
from display_server.supervisor.supervisor_log import IF_IT_HAPPENS_AGAIN

#: The name of the X server in the record of processes.
PROCESS_NAME = "X server"
#: How long the X server may take until it accepts connections, s. An idle host needs 0.1 to 0.3 s.
START_TIMEOUT_S = 15.0
#: The resolution that the X server reports to programs, dots per inch.
DPI = 96
#: How much of the end of the X server's log the supervisor's log quotes, characters.
LOG_EXCERPT_MAX = 400


@dataclass(frozen=True)
class XServer:
    """An X server: its display (`:N`) and authority file. `child` is None when somebody else started it."""

    display: str
    xauthority: Path
    child: Child | None


async def start_x_server(
    children: Children,
    spec: DesktopSpec,
    places: Places,
    environment: Mapping[str, str],
    screen_max: tuple[int, int] = SCREEN_MAX,
) -> XServer:
    """Starts an Xvfb and returns when it accepts connections.

    The screen starts at its largest size, `screen_max` in px, because an Xvfb can shrink its screen but never
    grow it beyond the initial size. `apply_initial_size` then gives the screen the ordered size.

    Raises DesktopError.
    """
    _prepare_files(spec, places)
    number_reader, number_writer = os.pipe()
    log = os.open(_log_path(spec), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        child = children.start(
            PROCESS_NAME,
            [*_as_display_user(places), *_command(spec, number_writer, places.authority, screen_max)],
            {**environment, **outputs_environment(MONITORS_MAX)},
            output=log,
            pass_fds=[number_writer],
            # In a container the supervisor frees unused memory of the framebuffer's file, as its group.
            umask=0o007 if places.display else -1,
        )
    except DesktopError:
        os.close(number_reader)
        raise
    finally:
        os.close(log)
        os.close(number_writer)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            number = (await read_line(number_reader)).strip()
    except TimeoutError as error:
        raise DesktopError(
            f"The X server of this desktop did not start within {START_TIMEOUT_S:g} s.",
            next_step=f"Try again; the host may be busy. {IF_IT_HAPPENS_AGAIN}",
        ) from error
    finally:
        os.close(number_reader)
    if not number:
        code = await child.wait()
        raise DesktopError(
            f"The X server of this desktop did not start: it {explain_exit(code)}.",
            next_step=f"Try again. {IF_IT_HAPPENS_AGAIN}",
        )
    return XServer(f":{number.decode()}", places.authority, child)


def adopt_x_server(children: Children, places: Places, previous: DesktopStatus) -> XServer:
    """Returns the X server that an earlier supervisor started. Raises DesktopError when it has ended."""
    child = children.adopt(PROCESS_NAME)
    if child is None or previous.display is None:
        raise DesktopError(
            "The X server of this desktop ended while its supervisor was restarting.",
            next_step=f"Open the desktop again; its programs have ended. {IF_IT_HAPPENS_AGAIN}",
        )
    return XServer(previous.display, places.authority, child)


def _prepare_files(spec: DesktopSpec, places: Places) -> None:
    """Creates the framebuffer's folder and the X authority files.

    In a container the programs have a cookie of their own, and the display user's group opens the rest.
    """
    spec.framebuffer_folder.mkdir(mode=0o700, exist_ok=True)
    if places.display is None:
        write_xauthority(places.authority, new_cookie())
        return
    spec.framebuffer_folder.chmod(0o2770)  # the group is inherited from the desktop's folder
    cookie, program_cookie = new_cookie(), new_cookie()
    write_xauthority(places.authority, cookie, program_cookie, mode=places.display_file_mode)
    # Everybody inside the container may use the X server.
    write_xauthority(places.program_authority, program_cookie, mode=0o644)
    sockets = Path(layout.X_SOCKETS)
    sockets.mkdir(exist_ok=True)
    sockets.chmod(0o1777)


def _as_display_user(places: Places) -> list[str]:
    """Returns the beginning of a command that runs the rest as the display user.

    The X server keeps one capability: it attaches the shared memory of programs, which other users may not.
    """
    if places.display is None:
        return []
    return [
        "setpriv",
        *("--reuid", str(places.display.uid), "--regid", str(places.display.gid), "--clear-groups"),
        *("--inh-caps", "-all,+ipc_owner", "--ambient-caps", "-all,+ipc_owner"),
    ]


def apply_initial_size(server: XServer, spec: DesktopSpec) -> None:
    """Makes the screen one monitor of the ordered size. Blocks for 10 to 60 ms.

    The framebuffer's memory beyond that size is returned to the host. Raises DesktopError.
    """
    # Imported here, because loading xcffib would delay the start of the X server.
    from display_server.desktop.x11.framebuffer import apply_monitors
    from display_server.desktop.x11.randr import Randr

    with contextlib.closing(Randr(server.display, server.xauthority)) as randr:
        try:
            apply_monitors(randr, [Monitor(0, 0, 0, spec.width_px, spec.height_px)], spec.framebuffer_folder)
        except LayoutError as error:
            raise DesktopError(
                f"The desktop cannot be {spec.width_px}×{spec.height_px}: {error.cause}",
                next_step="The administrator has to choose another `size` for it in the configuration.",
            ) from error


def screen_size(server: XServer) -> tuple[int, int]:
    """Returns the width and height of the screen, px. Blocks. Raises DesktopError."""
    from display_server.desktop.x11.x_connection import XConnection

    connection = XConnection(server.display, server.xauthority, failure=DesktopError)
    with contextlib.closing(connection):
        return connection.screen.width_in_pixels, connection.screen.height_in_pixels


def attached_x_server(display: str, environment: Mapping[str, str]) -> XServer:
    """Returns an X server that runs already, with the authority file that `environment` names."""
    named = environment.get("XAUTHORITY")
    path = Path(named) if named else Path(environment.get("HOME", "/")) / ".Xauthority"
    return XServer(display, path if path.exists() else Path(os.devnull), None)


def log_excerpt(spec: DesktopSpec) -> str:
    """Returns the end of the X server's log; an empty text when there is none."""
    try:
        text = _log_path(spec).read_text(errors="replace").strip()
    except OSError:
        return ""
    lines = [line for line in text.splitlines() if line and not line.startswith("_XSERV")]
    return " | ".join(lines)[-LOG_EXCERPT_MAX:]


def _log_path(spec: DesktopSpec) -> Path:
    return Path(spec.folder) / "x_server.log"


def _command(spec: DesktopSpec, number: int, xauthority: Path, screen_max: tuple[int, int]) -> list[str]:
    width_px, height_px = max(spec.width_px, screen_max[0]), max(spec.height_px, screen_max[1])
    if min(spec.width_px, spec.height_px) <= 0:
        width_px, height_px = spec.width_px, spec.height_px  # the X server refuses this size and says why
    return [
        "Xvfb",
        *("-displayfd", str(number)),  # the server chooses a free display and writes its number when ready
        *("-screen", "0", f"{width_px}x{height_px}x24"),
        *("-fbdir", str(spec.framebuffer_folder)),
        *("-auth", str(xauthority)),
        *("-nolisten", "tcp"),
        *("-dpi", str(DPI)),
        *("-s", "0"),  # no screen saver
        "-noreset",  # keeps keyboard map and root window when the last program ends
        "-nocursor",  # the viewer draws the pointer, so it must never be in the framebuffer
        "-r",  # no key repeat by the server: when the network stalls, a held key would type on
    ]
