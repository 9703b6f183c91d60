"""Events that libxcb reads while it writes are dispatched: the descriptor never becomes readable for them."""

from __future__ import annotations

import asyncio
import select

from display_server.desktop.x11.x_connection import XConnection
from tests.fakes.x_server import x_server

PATIENCE_S = 90.0


async def test_an_answer_that_arrives_before_the_next_write_is_dispatched() -> None:
    with x_server(320, 200) as server:
        connection = XConnection(server.display, None)
        connection.watch()
        try:
            answer = connection.round_trip()
            readable = select.poll()
            readable.register(connection.x.get_file_descriptor(), select.POLLIN)
            assert readable.poll(PATIENCE_S * 1000), "the X server did not answer"
            connection.core.NoOperation()
            connection.flush()  # libxcb takes the answer from the socket here
            await asyncio.wait_for(answer, PATIENCE_S)
        finally:
            connection.close()
