"""The clipboard of a real X server, with programs that copy, paste, hang or send wrong content."""

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
from tests.fakes.x_programs import ClipboardOwner, ClipboardRequestor
from tests.fakes.x_server import XServer, x_server

OPEN = ClipboardPolicy(to_desktop=True, from_desktop=True, images=True, max_bytes=1_000_000)
HANGUL = "환자 이름: 김철수 ☎\n둘째 줄"
PNG = PNG_SIGNATURE + bytes(range(256)) * 1500  # large enough for INCR in both directions


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with x_server() as running:
        yield running


@contextlib.asynccontextmanager
async def opened_clipboard(server: XServer, policy: ClipboardPolicy = OPEN) -> AsyncIterator[XClipboard]:
    clipboard = XClipboard(server.display, None, policy)
    await clipboard.open()
    try:
        yield clipboard
    finally:
        await clipboard.close()


@contextlib.asynccontextmanager
async def copied_by_program(
    clipboard: XClipboard, server: XServer, content: dict[str, bytes], stop_after: int | None = None
) -> AsyncIterator[ClipboardOwner]:
    """A program that copied something, which the clipboard has noticed."""
    noticed = asyncio.Event()
    clipboard.on_copied = noticed.set
    program = ClipboardOwner(server.connect(), content, stop_after=stop_after)
    try:
        await asyncio.wait_for(noticed.wait(), 90)
        yield program
    finally:
        await asyncio.to_thread(program.close)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not done():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def paste(server: XServer, target: str, selection: str = "CLIPBOARD") -> bytes | None:
    def work() -> bytes | None:
        program = ClipboardRequestor(server.connect())
        try:
            return program.paste(target, selection=selection)
        finally:
            program.close()

    return await asyncio.to_thread(work)


async def test_fetches_text(server: XServer) -> None:
    content = {"UTF8_STRING": HANGUL.encode(), "STRING": b"?"}
    async with (
        opened_clipboard(server) as clipboard,
        copied_by_program(clipboard, server, content) as program,
    ):
        assert clipboard.formats == (Format.TEXT,)
        assert program.requested == [program.atom("TARGETS")], "content was fetched without a request"
        assert (await clipboard.fetch(Format.TEXT)).decode() == HANGUL


async def test_fetches_latin_1_text(server: XServer) -> None:
    async with (
        opened_clipboard(server) as clipboard,
        copied_by_program(clipboard, server, {"STRING": b"caf\xe9\r\n\0"}),
    ):
        assert (await clipboard.fetch(Format.TEXT)).decode() == "café\n"


@pytest.mark.parametrize("size", [59_000, 60_001, 900_000])
async def test_fetches_an_image_in_chunks(server: XServer, size: int) -> None:
    image = (PNG * 3)[:size]
    content = {"image/png": image, "image/bmp": b"BM"}
    async with opened_clipboard(server) as clipboard, copied_by_program(clipboard, server, content):
        assert clipboard.formats == (Format.PNG,)
        assert await clipboard.fetch(Format.PNG) == image


async def test_each_copy_changes_the_serial_and_the_latest_is_fetched(server: XServer) -> None:
    async with (
        opened_clipboard(server) as clipboard,
        copied_by_program(clipboard, server, {"UTF8_STRING": b"one"}),
    ):
        first = clipboard.serial
        async with copied_by_program(clipboard, server, {"UTF8_STRING": b"two"}):
            assert clipboard.serial == first + 1
            assert await clipboard.fetch(Format.TEXT) == b"two"


async def test_fetches_what_was_copied_before_the_agent_started(server: XServer) -> None:
    program = ClipboardOwner(server.connect(), {"UTF8_STRING": b"early"})
    try:
        async with opened_clipboard(server) as clipboard:
            await until(lambda: bool(clipboard.formats))
            assert await clipboard.fetch(Format.TEXT) == b"early"
    finally:
        await asyncio.to_thread(program.close)


async def test_content_of_a_program_that_ended_is_not_available(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        async with copied_by_program(clipboard, server, {"UTF8_STRING": b"gone"}):
            pass
        await until(lambda: not clipboard.formats)
        with pytest.raises(ContentError):
            await clipboard.fetch(Format.TEXT)


@pytest.mark.parametrize("kind", [{"UTF8_STRING": b"x" * 1_000_001}, {"UTF8_STRING": b"x" * 2_000_000}])
async def test_content_over_the_limit_is_refused(server: XServer, kind: dict[str, bytes]) -> None:
    async with opened_clipboard(server) as clipboard, copied_by_program(clipboard, server, kind):
        with pytest.raises(TooLargeError):
            await clipboard.fetch(Format.TEXT)


async def test_a_program_that_hangs_times_out(server: XServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x_clipboard, "ANSWER_TIMEOUT_S", 0.2)
    async with opened_clipboard(server) as clipboard:
        program = ClipboardOwner(server.connect(), {"UTF8_STRING": b"never"}, hung=True)
        await until(lambda: clipboard.serial == 1)
        assert clipboard.formats == ()
        await asyncio.to_thread(program.close)
        monkeypatch.setattr(x_clipboard, "ANSWER_TIMEOUT_S", 10.0)  # a busy host may take long to announce it
        async with copied_by_program(clipboard, server, {"UTF8_STRING": b"x" * 300_000}, stop_after=2):
            monkeypatch.setattr(x_clipboard, "ANSWER_TIMEOUT_S", 0.2)
            with pytest.raises(ContentError, match="does not answer"):
                await clipboard.fetch(Format.TEXT)


async def test_an_image_that_is_not_png_is_refused(server: XServer) -> None:
    async with (
        opened_clipboard(server) as clipboard,
        copied_by_program(clipboard, server, {"image/png": b"<svg/>"}),
    ):
        with pytest.raises(ContentError, match="PNG"):
            await clipboard.fetch(Format.PNG)


async def test_programs_are_not_asked_when_the_policy_denies_copying(server: XServer) -> None:
    denied = ClipboardPolicy(to_desktop=True)
    async with opened_clipboard(server, denied) as clipboard:
        program = ClipboardOwner(server.connect(), {"UTF8_STRING": b"secret"})
        # Viewers learn of the copy, so that they do not paste an older one over it.
        await until(lambda: clipboard.serial == 1)
        assert (clipboard.formats, program.requested) == ((), [])
        await asyncio.to_thread(program.close)


async def test_a_copy_without_a_known_format_changes_the_serial(server: XServer) -> None:
    async with (
        opened_clipboard(server) as clipboard,
        copied_by_program(clipboard, server, {"application/x-drawing": b"lines"}),
    ):
        assert (clipboard.serial, clipboard.formats) == (1, ())


async def test_formatted_text_is_fetched_as_plain_text(server: XServer) -> None:
    content = {"text/html": b"<b>CT</b>", "UTF8_STRING": b"CT"}
    async with opened_clipboard(server) as clipboard, copied_by_program(clipboard, server, content):
        assert clipboard.formats == (Format.TEXT,)
        assert await clipboard.fetch(Format.TEXT) == b"CT"


@pytest.mark.parametrize("target", ["UTF8_STRING", "text/plain;charset=utf-8", "TEXT", "text/plain"])
async def test_programs_paste_text(server: XServer, target: str) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.TEXT, HANGUL.replace("\n", "\r\n").encode())
        pasted_text = await paste(server, target)
        assert pasted_text is not None
        assert pasted_text.decode() == HANGUL
        assert await paste(server, "image/png") is None


async def test_programs_paste_latin_1_text(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.TEXT, "café 한".encode())
        assert await paste(server, "STRING") == b"caf\xe9 ?"


async def test_programs_paste_an_image_in_chunks(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.PNG, PNG)
        assert await paste(server, "image/png") == PNG
        assert await paste(server, "UTF8_STRING") is None


async def test_targets_are_listed(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.TEXT, b"x")
        program = ClipboardRequestor(server.connect())
        names = await asyncio.to_thread(program.targets)
        stamp = await asyncio.to_thread(program.paste, "TIMESTAMP")
        program.close()
        assert {"TARGETS", "TIMESTAMP", "UTF8_STRING", "STRING", "text/plain;charset=utf-8"} <= names
        assert stamp is not None
        assert int.from_bytes(stamp, "little") > 0


async def test_a_program_that_copies_becomes_the_owner(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.TEXT, b"from outside")
        async with copied_by_program(clipboard, server, {"UTF8_STRING": b"from inside"}):
            assert await paste(server, "UTF8_STRING") == b"from inside"


@pytest.mark.parametrize(("kind", "target"), [(Format.TEXT, "UTF8_STRING"), (Format.PNG, "image/png")])
async def test_a_middle_click_pastes_the_same_content(server: XServer, kind: Format, target: str) -> None:
    async with opened_clipboard(server) as clipboard:
        content = PNG if kind is Format.PNG else HANGUL.encode()
        await clipboard.put(kind, content)
        assert await paste(server, target, "PRIMARY") == content
        assert await paste(server, target) == content


async def test_selecting_text_is_not_copying(server: XServer) -> None:
    async with opened_clipboard(server) as clipboard:
        await clipboard.put(Format.TEXT, b"from outside")
        serial = clipboard.serial
        program = ClipboardOwner(server.connect(), {"UTF8_STRING": b"selected"}, selection="PRIMARY")
        try:
            assert await paste(server, "UTF8_STRING", "PRIMARY") == b"selected"
            assert await paste(server, "UTF8_STRING") == b"from outside"
            assert (clipboard.serial, clipboard.formats, program.requested) == (
                serial,
                (),
                [program.atom("UTF8_STRING")],
            )
            await clipboard.put(Format.TEXT, b"pasted again")
            assert await paste(server, "UTF8_STRING", "PRIMARY") == b"pasted again"
        finally:
            await asyncio.to_thread(program.close)


async def test_content_survives_a_copy_that_was_older(server: XServer) -> None:
    """A program copies directly before the viewer pastes: the agent asks before it receives that event."""
    async with opened_clipboard(server) as clipboard:
        for selection in ("CLIPBOARD", "PRIMARY"):
            program = ClipboardOwner(server.connect(), {"UTF8_STRING": b"older"}, selection=selection)
            await clipboard.put(Format.TEXT, b"newer")
            assert await paste(server, "UTF8_STRING", selection) == b"newer"
            await asyncio.to_thread(program.close)
