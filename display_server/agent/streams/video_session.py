"""The parts of a video stream that need aiortc and an encoder: imported only where video is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from display_server.agent.streams.frame_sender import FrameSender
from display_server.agent.streams.video_connection import VideoConnection


@dataclass(frozen=True, slots=True)
class VideoSession:
    """One viewer's connection, and what sends frames over it."""

    connection: VideoConnection
    sender: FrameSender

    async def close(self) -> None:
        self.sender.close()
        await self.connection.close()
