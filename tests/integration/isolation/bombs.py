"""Programs that use up what a desktop has, one function each: `bombs.py NAME`.

A bomb prints one line when it has reached a limit of its desktop, or works at full speed if there is none.
It goes on until its standard input ends, and then ends its whole process group. The file needs nothing but
the standard library, and xcffib for the bomb that needs an X server.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Errors that mean that a limit of the desktop is reached.
LIMIT_ERRORS = (errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.EDQUOT, errno.EIO)
#: Memory that a child takes at once, bytes.
MEMORY_STEP = 16 * 2**20
#: Size of a file that is written to the disk, MiB.
FILE_MIB = 32
#: Processes that burn time on processors.
BURNERS = 16
#: Width and height of the image that floods the X server, px.
IMAGE_PX = 400
libc = ctypes.CDLL(None, use_errno=True)


def forks() -> None:
    """Every process forks as often as it can."""
    main, reported = os.getpid(), False
    while True:
        try:
            os.fork()
        except OSError:
            if os.getpid() == main and not reported:
                reported = True
                report()
            if os.getpid() == main:
                time.sleep(0.01)


def takes_memory() -> None:
    """Children take memory until the kernel kills them, again and again."""
    reported = False
    while True:
        child = os.fork()
        if child == 0:
            held = []
            while True:
                memory = mmap.mmap(-1, MEMORY_STEP)
                memory.write(b"x" * MEMORY_STEP)
                held.append(memory)
        os.waitpid(child, 0)
        if not reported:
            reported = True
            report()


def fills_temporary_files() -> None:
    fill("/tmp")


def fills_shared_memory() -> None:
    fill("/dev/shm")


def writes_to_the_disk() -> None:
    """Writes into the home and waits for the disk, again and again, as a program with an endless log does."""
    path = Path.home() / "bomb"
    reported = False
    while True:
        try:
            with path.open("wb") as file:
                for _ in range(FILE_MIB):
                    file.write(os.urandom(2**20))
                    os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in LIMIT_ERRORS:
                raise
        path.unlink()
        if not reported:
            reported = True
            report()


def burns_processors() -> None:
    for _ in range(BURNERS):
        if os.fork() == 0:
            while True:
                pass
    report()
    signal.pause()


def floods_the_x_server() -> None:
    import xcffib
    from xcffib.xproto import CW, GC, ImageFormat, WindowClass

    connect: Any = xcffib.connect  # xcffib publishes no types
    connection = connect()
    screen = connection.get_setup().roots[0]
    window, gc = connection.generate_id(), connection.generate_id()
    core = connection.core
    place = (0, 0, IMAGE_PX, IMAGE_PX)
    core.CreateWindow(
        screen.root_depth, window, screen.root, *place, 0, WindowClass.InputOutput, screen.root_visual, 0, []
    )
    core.MapWindow(window)
    core.CreateGC(gc, window, GC.Foreground, [0])
    images = [os.urandom(4 * IMAGE_PX * 50) for _ in range(4)]
    report()
    while True:
        for number, image in enumerate(images):
            for top in range(0, IMAGE_PX, 50):
                core.PutImage(
                    ImageFormat.ZPixmap,
                    window,
                    gc,
                    IMAGE_PX,
                    50,
                    0,
                    top,
                    0,
                    screen.root_depth,
                    len(image),
                    image,
                )
            core.ChangeWindowAttributes(window, CW.BackPixel, [number])
        connection.flush()


def holds_everything_that_has_a_number() -> None:
    """Opens descriptors of every kind, in several processes, until none of them can open any more."""
    kinds: list[Callable[[], object]] = [
        os.openpty,
        lambda: check(libc.inotify_init1(0)),
        lambda: check(libc.epoll_create1(0)),
        lambda: check(libc.eventfd(0, 0)),
        lambda: check(libc.timerfd_create(1, 0)),
        lambda: os.memfd_create("bomb"),
        lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        lambda: os.pipe(),
        lambda: check(libc.shmget(0, 4096, 0o1600)),
        lambda: check(libc.msgget(0, 0o1600)),
    ]
    ready, done = os.pipe()
    for kind in kinds:
        if os.fork() == 0:
            held = hold(kind)
            os.write(done, b"x")
            signal.pause()
            del held
    for _ in kinds:
        os.read(ready, 1)
    report()
    signal.pause()


def hold(kind: Callable[[], object]) -> list[object]:
    held: list[object] = []
    while True:
        try:
            held.append(kind())
        except OSError as error:
            if error.errno not in LIMIT_ERRORS:
                raise
            return held


def check(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def fill(folder: str) -> None:
    path = Path(folder) / "bomb"
    reported = False
    while True:
        with path.open("wb") as file:
            try:
                while True:
                    file.write(bytes(2**20))
            except OSError:
                pass
        if not reported:
            reported = True
            report()
        time.sleep(0.2)
        path.unlink()


def report() -> None:
    print("bombing", flush=True)


def end_with_stdin(group: int) -> None:
    select.select([0], [], [])
    os.killpg(group, signal.SIGKILL)


BOMBS: dict[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        forks,
        takes_memory,
        fills_temporary_files,
        fills_shared_memory,
        writes_to_the_disk,
        burns_processors,
        floods_the_x_server,
        holds_everything_that_has_a_number,
    )
}

if __name__ == "__main__":
    os.setsid()
    Path("/proc/self/oom_score_adj").write_text("500")  # as all programs that a supervisor starts
    watcher = os.fork()
    if watcher == 0:
        end_with_stdin(os.getpgrp())
    BOMBS[sys.argv[1]]()
