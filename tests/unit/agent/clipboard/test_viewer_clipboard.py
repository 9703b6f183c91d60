"""The clipboard of an agent's viewers: policy, requests, pasting, and the order of content and input."""

from __future__ import annotations

import asyncio
import struct
from asyncio import Future
from collections.abc import Callable

import pytest

from display_server.agent.clipboard.desktop_clipboard import ContentError, TooLargeError
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.protocol.clipboard import PNG_SIGNATURE, Failure, Format, encode_pieces
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.notice_codes import NoticeCode
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.viewer import FakeViewer

OPEN = ClipboardPolicy(to_desktop=True, from_desktop=True, images=True, max_bytes=500_000)
PNG = PNG_SIGNATURE + bytes(200_000)


class FakeClipboard:
    """A DesktopClipboard for tests. `futures` says when content of `put` can be pasted."""

    def __init__(self) -> None:
        self.serial = 0
        self.formats: tuple[Format, ...] = ()
        self.on_copied: Callable[[], None] = lambda: None
        self.content: dict[Format, bytes | ContentError] = {}
        self.pasted: list[tuple[Format, bytes]] = []
        self.futures: list[Future[None]] = []
        self.allowed: dict[str, bool | int] = {}

    def allow(self, *, from_desktop: bool, images: bool, max_bytes: int) -> None:
        self.allowed = {"from_desktop": from_desktop, "images": images, "max_bytes": max_bytes}

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def copy(self, **content: bytes | ContentError) -> None:
        self.content = {Format[name]: data for name, data in content.items()}
        self.formats = tuple(self.content)
        self.serial += 1
        self.on_copied()

    async def fetch(self, kind: Format) -> bytes:
        found = self.content[kind]
        if isinstance(found, ContentError):
            raise found
        return found

    def put(self, kind: Format, data: bytes) -> Future[None]:
        self.pasted.append((kind, data))
        future = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        return future


async def paste(viewer: FakeViewer, kind: Format, content: bytes) -> None:
    for frame in encode_pieces(kind, 1, content):
        await viewer.connection.send(frame)


async def answer(viewer: FakeViewer, kind: str, serial: int) -> tuple[int, bytes]:
    """Requests content; returns flags and content of the answer."""
    viewer.clipboard.clear()
    await viewer.send(type="clipboard", serial=serial, format=kind)

    def done() -> bool:
        frames = viewer.clipboard
        total = struct.unpack_from("<8xI", frames[0])[0] if frames else 1
        return bool(frames) and sum(len(frame) - 16 for frame in frames) == total

    await viewer.until(done)
    return viewer.clipboard[0][1], b"".join(frame[16:] for frame in viewer.clipboard)


async def wait_until_shown(viewer: FakeViewer, running: RunningAgent) -> None:
    await viewer.until_exact(running.frame)


async def test_the_state_is_sent_after_welcome_and_with_each_copy() -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=OPEN) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        (first,) = viewer.received("clipboard")
        assert (first["to_desktop"], first["from_desktop"], first["images"]) == (True, True, True)
        assert (first["max_bytes"], first["serial"], first["formats"]) == (500_000, 0, [])
        clipboard.copy(TEXT=b"x", PNG=PNG)
        await viewer.until(lambda: len(viewer.received("clipboard")) == 2)
        assert viewer.received("clipboard")[1]["formats"] == ["text", "png"]


async def test_content_is_sent_on_request() -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=OPEN) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        clipboard.copy(TEXT="한글".encode(), PNG=PNG)
        assert await answer(viewer, "text", 1) == (0, "한글".encode())
        assert await answer(viewer, "png", 1) == (0, PNG)
        assert await answer(viewer, "png", 0) == (Failure.UNAVAILABLE, b"")
        clipboard.copy(TEXT=ContentError("hangs"), PNG=TooLargeError("huge"))
        assert await answer(viewer, "text", 2) == (Failure.UNAVAILABLE, b"")
        assert await answer(viewer, "png", 2) == (Failure.TOO_LARGE, b"")


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (ClipboardPolicy(), "text"),
        (ClipboardPolicy(to_desktop=True), "text"),
        (ClipboardPolicy(from_desktop=True), "png"),
    ],
)
async def test_the_policy_denies_copying_from_the_desktop(policy: ClipboardPolicy, kind: str) -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=policy) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        clipboard.copy(TEXT=b"secret", PNG=PNG)
        assert await answer(viewer, kind, 1) == (Failure.DENIED, b"")


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (ClipboardPolicy(), Format.TEXT),
        (ClipboardPolicy(from_desktop=True), Format.TEXT),
        (ClipboardPolicy(to_desktop=True), Format.PNG),
    ],
)
async def test_the_policy_denies_pasting_into_the_desktop(policy: ClipboardPolicy, kind: Format) -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=policy) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        await paste(viewer, kind, PNG if kind is Format.PNG else b"x")
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == NoticeCode.CLIPBOARD_DENIED
        assert clipboard.pasted == []


async def test_input_waits_until_pasted_content_is_available() -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=OPEN) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        await paste(viewer, Format.PNG, PNG)
        await viewer.send(type="key", keysym=0x76, code="KeyV", down=True)
        await viewer.send(type="pointer", x=3, y=4, buttons=0)
        await viewer.send(type="ping", t=1.0)
        await viewer.until(lambda: bool(viewer.received("pong")))
        assert clipboard.pasted == [(Format.PNG, PNG)]
        assert running.input.done == []
        clipboard.futures[0].set_result(None)
        await viewer.send(type="ping", t=2.0)
        await viewer.until(lambda: len(viewer.received("pong")) == 2)
        assert running.input.done == [("key", 0x76, "KeyV", True), ("pointer", 3, 4, 0)]


async def test_content_over_the_limit_closes_the_connection() -> None:
    clipboard = FakeClipboard()
    async with (
        running_agent(clipboard=clipboard, clipboard_policy=OPEN) as running,
        FakeViewer(running.socket) as viewer,
    ):
        await wait_until_shown(viewer, running)
        await paste(viewer, Format.TEXT, b"x" * 500_001)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == CloseCode.PROTOCOL_VIOLATION
