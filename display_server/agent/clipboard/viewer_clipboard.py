"""Clipboard traffic of one viewer, within its rights."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from display_server.agent.clipboard.desktop_clipboard import ContentError, DesktopClipboard, TooLargeError
from display_server.agent.transport.viewer_socket import ViewerSocket
from display_server.desktop.clipboard_policy import ClipboardRights, Copying
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
        rights: ClipboardRights,
        socket: ViewerSocket,
        notice: Callable[[str, str], None],
    ) -> None:
        self._desktop = desktop
        self._rights = rights if desktop is not None else ClipboardRights()
        self._accepted_bytes = self._rights.to_desktop_max_bytes  # more is a violation of the protocol
        self._socket = socket
        self._notice = notice
        self._assembler = PieceAssembler()
        self._answer_task: asyncio.Task[None] | None = None

    def use(self, rights: ClipboardRights) -> None:
        """Replaces the rights. Content that is being sent to the viewer is cut off.

        What the viewer is sending may be as large as it was before, because it cannot know better; it is
        dropped at the end if it is not allowed any more.
        """
        if self._desktop is None or rights == self._rights:
            return
        self._rights = rights
        self._accepted_bytes = max(self._accepted_bytes, rights.to_desktop_max_bytes)
        self._cancel()

    def send_state(self) -> None:
        """Sends what the viewer may copy and what the desktop offers.

        The limits of the message are the widest of both kinds and directions; the agent applies each of them.
        """
        desktop, rights = self._desktop, self._rights
        offered = desktop.formats if desktop is not None else ()
        self._socket.send(
            m.encode_agent_message(
                m.ClipboardState(
                    to_desktop=rights.to_desktop != "nothing",
                    from_desktop=rights.from_desktop != "nothing",
                    images="text-and-images" in (rights.to_desktop, rights.from_desktop),
                    max_bytes=rights.to_desktop_max_bytes,
                    serial=desktop.serial if desktop is not None else 0,
                    formats=[NAMES[kind] for kind in offered if _allows(rights.from_desktop, kind)],
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
        rights = self._rights
        content = self._assembler.add(piece, self._accepted_bytes)
        if content is None:
            return None
        text = piece.format is Format.TEXT
        limit_bytes = rights.text_to_desktop_bytes if text else rights.images_to_desktop_bytes
        desktop = self._desktop
        if desktop is None or not _allows(rights.to_desktop, piece.format) or len(content) > limit_bytes:
            self._notice(
                NoticeCode.CLIPBOARD_DENIED,
                "This desktop does not allow pasting that from outside. An administrator can allow it in the "
                "configuration or by a policy (docs/policy.md).",
            )
            return None
        log.info("clipboard to desktop", format=NAMES[piece.format], bytes=len(content))
        return desktop.put(piece.format, content)

    def on_disconnected(self) -> None:
        self._cancel()

    async def _answer(self, kind: Format, serial: int) -> None:
        desktop, rights = self._desktop, self._rights
        if desktop is None or not _allows(rights.from_desktop, kind):
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
        text = kind is Format.TEXT
        if len(content) > (rights.text_from_desktop_bytes if text else rights.images_from_desktop_bytes):
            self._socket.send(encode_failure(kind, serial, Failure.TOO_LARGE))
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


def _allows(copying: Copying, kind: Format) -> bool:
    """Returns whether content of this format may be copied."""
    return copying == "text-and-images" or (copying == "text" and kind is Format.TEXT)
