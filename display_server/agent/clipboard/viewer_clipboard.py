"""One viewer's share in the desktop's clipboard: the policy, what it asks for, what it brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from display_server.agent.clipboard.desktop_clipboard import ContentError, DesktopClipboard, TooLargeError
from display_server.agent.transport.viewer_socket import ViewerSocket
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.errors import Malfunction
from display_server.protocol import messages as m
from display_server.protocol.clipboard import (
    Failure,
    Format,
    Piece,
    PieceAssembler,
    encode_failure,
    encode_pieces,
)
from display_server.protocol.notice_codes import NoticeCode

log = structlog.get_logger(__name__)

#: Content goes out while no more than this waits: the picture must not stand behind a large copy.
QUEUE_BYTES = 128 * 1024
QUEUE_LOOK_S = 0.01
FORMATS: dict[m.ClipboardFormat, Format] = {"text": Format.TEXT, "png": Format.PNG}
NAMES = {number: name for name, number in FORMATS.items()}


class ViewerClipboard:
    """`notice` tells the person something by code and English words."""

    def __init__(
        self,
        desktop: DesktopClipboard | None,
        policy: ClipboardPolicy,
        socket: ViewerSocket,
        notice: Callable[[str, str], None],
    ) -> None:
        self._desktop = desktop
        self._policy = policy if desktop is not None else ClipboardPolicy()
        self._socket = socket
        self._notice = notice
        self._assembly = PieceAssembler()
        self._answering: asyncio.Task[None] | None = None

    def tell(self) -> None:
        """What is allowed, and what the desktop has: after hello, and when a program copied something."""
        desktop, policy = self._desktop, self._policy
        offered = desktop.formats if desktop is not None and policy.from_desktop else ()
        self._socket.send(
            m.encode_agent_message(
                m.ClipboardState(
                    to_desktop=policy.to_desktop,
                    from_desktop=policy.from_desktop,
                    images=policy.images,
                    max_bytes=policy.max_bytes,
                    serial=desktop.serial if desktop is not None else 0,
                    formats=[NAMES[kind] for kind in offered],
                )
            )
        )

    def asked(self, ask: m.ClipboardRequest) -> None:
        """Answers in time, by content or by why there is none. A new question ends the answer before it."""
        self._cancel()
        self._answering = asyncio.create_task(self._answer(FORMATS[ask.format], ask.serial))

    def brought(self, piece: Piece) -> asyncio.Future[None] | None:
        """A piece of the viewer's copy. The last one gives: done when programs can paste it.

        Raises ProtocolError.
        """
        content = self._assembly.add(piece, self._policy.max_bytes)
        if content is None:
            return None
        desktop, policy = self._desktop, self._policy
        if desktop is None or not policy.to_desktop or (piece.format is Format.PNG and not policy.images):
            self._notice(NoticeCode.CLIPBOARD_DENIED, "Nothing may be pasted from outside on this desktop.")
            return None
        log.info("clipboard to desktop", format=NAMES[piece.format], bytes=len(content))
        return desktop.put(piece.format, content)

    def left(self) -> None:
        self._cancel()

    async def _answer(self, kind: Format, serial: int) -> None:
        desktop, policy = self._desktop, self._policy
        if desktop is None or not policy.from_desktop or (kind is Format.PNG and not policy.images):
            self._socket.send(encode_failure(kind, serial, Failure.DENIED))
            return
        if serial != desktop.serial:
            self._socket.send(encode_failure(kind, serial, Failure.UNAVAILABLE))
            return
        try:
            content = await desktop.fetch(kind)
        except TooLargeError:
            self._socket.send(encode_failure(kind, serial, Failure.TOO_LARGE))
            return
        except (ContentError, Malfunction) as error:
            log.info("clipboard content cannot be had", reason=str(error))
            self._socket.send(encode_failure(kind, serial, Failure.UNAVAILABLE))
            return
        log.info("clipboard from desktop", format=NAMES[kind], bytes=len(content))
        for frame in encode_pieces(kind, serial, content):
            while self._socket.buffered_bytes > QUEUE_BYTES:  # noqa: ASYNC110 - sockets tell of no progress
                await asyncio.sleep(QUEUE_LOOK_S)
            self._socket.send(frame)

    def _cancel(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None
