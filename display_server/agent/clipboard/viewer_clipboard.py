"""Clipboard traffic of one viewer, under the desktop's policy."""

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

#: The next piece of content is sent only while at most this many bytes wait in the socket, so that a large
#: copy does not delay updates.
SEND_BUFFER_MAX_BYTES = 128 * 1024
#: How often the socket's buffer is checked while content waits, s.
SEND_BUFFER_POLL_S = 0.01
FORMATS: dict[m.ClipboardFormat, Format] = {"text": Format.TEXT, "png": Format.PNG}
NAMES = {number: name for name, number in FORMATS.items()}


class ViewerClipboard:
    """Answers a viewer's requests and receives what it pastes.

    `notice` sends the person a message, given its code and text.
    """

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
        self._assembler = PieceAssembler()
        self._answer_task: asyncio.Task[None] | None = None

    def send_state(self) -> None:
        """Sends what the policy allows and what the desktop offers."""
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

    def on_request(self, request: m.ClipboardRequest) -> None:
        """Starts to answer a request, with content or the reason why there is none.

        Cancels an earlier answer.
        """
        self._cancel()
        self._answer_task = asyncio.create_task(self._answer(FORMATS[request.format], request.serial))

    def on_piece(self, piece: Piece) -> asyncio.Future[None] | None:
        """Receives a piece of what the viewer pastes. Raises ProtocolError.

        After the last piece it returns a future that is done when programs can paste the content.
        """
        content = self._assembler.add(piece, self._policy.max_bytes)
        if content is None:
            return None
        desktop, policy = self._desktop, self._policy
        if desktop is None or not policy.to_desktop or (piece.format is Format.PNG and not policy.images):
            self._notice(
                NoticeCode.CLIPBOARD_DENIED,
                "This desktop does not allow pasting from outside. An administrator can allow it in the "
                "configuration: clipboard = { to_desktop = true, images = true }",
            )
            return None
        log.info("clipboard to desktop", format=NAMES[piece.format], bytes=len(content))
        return desktop.put(piece.format, content)

    def on_disconnected(self) -> None:
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
            log.info("clipboard content is not available", reason=str(error))
            self._socket.send(encode_failure(kind, serial, Failure.UNAVAILABLE))
            return
        log.info("clipboard from desktop", format=NAMES[kind], bytes=len(content))
        for frame in encode_pieces(kind, serial, content):
            while self._socket.buffered_bytes > SEND_BUFFER_MAX_BYTES:  # noqa: ASYNC110 - sockets report no progress
                await asyncio.sleep(SEND_BUFFER_POLL_S)
            self._socket.send(frame)

    def _cancel(self) -> None:
        if self._answer_task is not None:
            self._answer_task.cancel()
            self._answer_task = None
