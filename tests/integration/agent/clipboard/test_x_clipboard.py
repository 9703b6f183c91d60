"""The clipboard of a real X server, with programs that copy and paste, hang and lie."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from display_server.agent.clipboard import x_clipboard
from display_server.agent.clipboard.desktop_clipboard import ContentError, TooLargeError
from display_server.agent.clipboard.x_clipboard import XClipboard
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.protocol.clipboard import PNG_SIGNATURE, Format
from tests.fakes.x_programs import Copier, Paster
from tests.fakes.x_server import XServer, x_server

OPEN = ClipboardPolicy(to_desktop=True, from_desktop=True, images=True, max_bytes=1_000_000)
HANGUL = "환자 이름: 김철수 ☎\n둘째 줄"
PNG = PNG_SIGNATURE + bytes(range(256)) * 1500  # by INCR either way


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with x_server() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(server: XServer, policy: ClipboardPolicy = OPEN) -> AsyncIterator[XClipboard]:
    clipboard = XClipboard(server.display, None, policy)
    await clipboard.open()
    try:
        yield clipboard
    finally:
        await clipboard.close()


@contextlib.asynccontextmanager
async def copied(
    clipboard: XClipboard, server: XServer, content: dict[str, bytes], stop_after: int | None = None
) -> AsyncIterator[Copier]:
    """A program that has copied, and was noticed."""
    noticed = asyncio.Event()
    clipboard.on_copied = noticed.set
    program = Copier(server.connect(), content, stop_after=stop_after)
    try:
        await asyncio.wait_for(noticed.wait(), 10)
        yield program
    finally:
        await asyncio.to_thread(program.close)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def pasted(server: XServer, target: str) -> bytes | None:
    def work() -> bytes | None:
        program = Paster(server.connect())
        try:
            return program.paste(target)
        finally:
            program.close()

    return await asyncio.to_thread(work)


async def test_text_of_a_program(server: XServer) -> None:
    content = {"UTF8_STRING": HANGUL.encode(), "STRING": b"?"}
    async with opened(server) as clipboard, copied(clipboard, server, content) as program:
        assert clipboard.formats == (Format.TEXT,)
        assert program.asked == [program.atom("TARGETS")], "nothing is fetched that nobody asked for"
        assert (await clipboard.fetch(Format.TEXT)).decode() == HANGUL


async def test_text_of_an_old_program(server: XServer) -> None:
    async with opened(server) as clipboard, copied(clipboard, server, {"STRING": b"caf\xe9\r\n\0"}):
        assert (await clipboard.fetch(Format.TEXT)).decode() == "café\n"


@pytest.mark.parametrize("size", [59_000, 60_001, 900_000])
async def test_picture_of_a_program_in_chunks(server: XServer, size: int) -> None:
    picture = (PNG * 3)[:size]
    content = {"image/png": picture, "image/bmp": b"BM"}
    async with opened(server) as clipboard, copied(clipboard, server, content):
        assert clipboard.formats == (Format.PNG,)
        assert await clipboard.fetch(Format.PNG) == picture


async def test_each_copy_is_noticed_and_the_newest_counts(server: XServer) -> None:
    async with opened(server) as clipboard, copied(clipboard, server, {"UTF8_STRING": b"one"}):
        first = clipboard.serial
        async with copied(clipboard, server, {"UTF8_STRING": b"two"}):
            assert clipboard.serial == first + 1
            assert await clipboard.fetch(Format.TEXT) == b"two"


async def test_what_was_copied_before_the_agent_came(server: XServer) -> None:
    program = Copier(server.connect(), {"UTF8_STRING": b"early"})
    try:
        async with opened(server) as clipboard:
            await until(lambda: bool(clipboard.formats))
            assert await clipboard.fetch(Format.TEXT) == b"early"
    finally:
        await asyncio.to_thread(program.close)


async def test_a_program_that_ends_takes_its_copy_along(server: XServer) -> None:
    async with opened(server) as clipboard:
        async with copied(clipboard, server, {"UTF8_STRING": b"gone"}):
            pass
        await until(lambda: not clipboard.formats)
        with pytest.raises(ContentError):
            await clipboard.fetch(Format.TEXT)


@pytest.mark.parametrize("kind", [{"UTF8_STRING": b"x" * 1_000_001}, {"UTF8_STRING": b"x" * 2_000_000}])
async def test_too_much(server: XServer, kind: dict[str, bytes]) -> None:
    async with opened(server) as clipboard, copied(clipboard, server, kind):
        with pytest.raises(TooLargeError):
            await clipboard.fetch(Format.TEXT)


async def test_a_program_that_hangs_costs_a_moment(server: XServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_clipboard, "ANSWER_WITHIN_S", 0.2)
    async with opened(server) as clipboard:
        program = Copier(server.connect(), {"UTF8_STRING": b"never"}, hung=True)
        await asyncio.sleep(0.5)
        assert clipboard.formats == ()
        await asyncio.to_thread(program.close)
        async with copied(clipboard, server, {"UTF8_STRING": b"x" * 300_000}, stop_after=2):
            with pytest.raises(ContentError, match="does not answer"):
                await clipboard.fetch(Format.TEXT)


async def test_a_lie_is_no_picture(server: XServer) -> None:
    async with opened(server) as clipboard, copied(clipboard, server, {"image/png": b"<svg/>"}):
        with pytest.raises(ContentError, match="PNG"):
            await clipboard.fetch(Format.PNG)


async def test_nobody_is_asked_where_nothing_may_leave(server: XServer) -> None:
    denied = ClipboardPolicy(to_desktop=True)
    async with opened(server, denied) as clipboard:
        program = Copier(server.connect(), {"UTF8_STRING": b"secret"})
        await asyncio.sleep(0.3)
        assert (clipboard.formats, program.asked) == ((), [])
        await asyncio.to_thread(program.close)


@pytest.mark.parametrize("target", ["UTF8_STRING", "text/plain;charset=utf-8", "TEXT", "text/plain"])
async def test_programs_paste_text(server: XServer, target: str) -> None:
    async with opened(server) as clipboard:
        await clipboard.put(Format.TEXT, HANGUL.replace("\n", "\r\n").encode())
        pasted_text = await pasted(server, target)
        assert pasted_text is not None
        assert pasted_text.decode() == HANGUL
        assert await pasted(server, "image/png") is None


async def test_programs_paste_what_fits_into_old_text(server: XServer) -> None:
    async with opened(server) as clipboard:
        await clipboard.put(Format.TEXT, "café 한".encode())
        assert await pasted(server, "STRING") == b"caf\xe9 ?"


async def test_programs_paste_pictures_in_chunks(server: XServer) -> None:
    async with opened(server) as clipboard:
        await clipboard.put(Format.PNG, PNG)
        assert await pasted(server, "image/png") == PNG
        assert await pasted(server, "UTF8_STRING") is None


async def test_targets_are_told(server: XServer) -> None:
    async with opened(server) as clipboard:
        await clipboard.put(Format.TEXT, b"x")
        program = Paster(server.connect())
        names = await asyncio.to_thread(program.targets)
        stamp = await asyncio.to_thread(program.paste, "TIMESTAMP")
        program.close()
        assert {"TARGETS", "TIMESTAMP", "UTF8_STRING", "STRING", "text/plain;charset=utf-8"} <= names
        assert stamp is not None
        assert int.from_bytes(stamp, "little") > 0


async def test_a_program_that_copies_takes_over(server: XServer) -> None:
    async with opened(server) as clipboard:
        await clipboard.put(Format.TEXT, b"from outside")
        async with copied(clipboard, server, {"UTF8_STRING": b"from inside"}):
            assert await pasted(server, "UTF8_STRING") == b"from inside"
