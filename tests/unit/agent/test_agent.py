"""The whole agent with viewers that are no browsers: everything that is drawn arrives, proven to be exact."""

from __future__ import annotations

import asyncio
import base64
import os

import msgspec
import numpy as np
import pytest
from display_codecs import TILE_PX
from numpy.typing import NDArray
from websockets.exceptions import InvalidStatus

from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.cursor.cursor_source import CursorShape
from display_server.agent.geometry import Rect
from display_server.errors import CaptureError
from display_server.protocol.agent_pages import DeviceReport
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SECRET_HEADER
from tests.fakes.agent import TornSource, running_agent
from tests.fakes.viewer import SECRET, FakeViewer

pytestmark = pytest.mark.slow


def _noise(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width, 1), np.uint8)
    return np.repeat(grey, 3, axis=2)


async def test_random_drawing_converges_to_exact() -> None:
    random = np.random.default_rng(3)
    async with running_agent(SyntheticSource(601, 333)) as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        for number in range(60):
            width, height = int(random.integers(1, 300)), int(random.integers(1, 200))
            x, y = int(random.integers(0, 601 - width)), int(random.integers(0, 333 - height))
            if number % 3:
                running.source.fill(Rect(x, y, width, height), int(random.integers(0, 1 << 24)))
            else:
                running.source.draw(x, y, _noise(width, height, number))
            await asyncio.sleep(0.002 * (number % 4))
        await viewer.until_exact(running.frame)
        assert running.agent.metrics.mismatches == 0
        assert viewer.updates[0][1] & 1, "the first update resets"


async def test_welcome_describes_session_and_monitors() -> None:
    async with running_agent() as running, FakeViewer(running.socket, name="v7") as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        welcome = viewer.messages[0]
        assert welcome["type"] == "welcome"
        assert (welcome["session"], welcome["viewer"], welcome["desktop"]) == ("session", "v7", "desktop")
        assert welcome["monitors"] == [
            {"id": 0, "x": 0, "y": 0, "width": 640, "height": 400, "primary": True}
        ]
        assert (welcome["screen_max"], welcome["scale"]) == ([8192, 4320], 100)
        assert (welcome["protocol"], welcome["tile_px"]) == (1, TILE_PX)


async def test_the_caret_is_sent_only_to_viewers_that_know_the_message() -> None:
    async with running_agent() as running:
        running.caret.move((5, 6, 1, 17))
        async with FakeViewer(running.socket, caret=True) as viewer, FakeViewer(running.socket) as old:
            await viewer.until(lambda: bool(viewer.received("caret")))
            await old.until(lambda: old.epoch > 0)
            running.caret.move((9, 6, 1, 17))
            running.caret.move(None)
            await viewer.until(lambda: len(viewer.received("caret")) == 3)
            assert [(caret["x"], caret["height"]) for caret in viewer.received("caret")] == [
                (5, 17),
                (9, 17),
                (0, 0),
            ]
            running.cursor.set_shape(CursorShape(1, 1, 0, 0, None))
            await old.until(lambda: len(old.received("cursor")) > 1)
            assert old.received("caret") == []


async def test_frames_seen_before_come_from_the_tile_cache() -> None:
    slices = [_noise(512, 384, seed) for seed in range(12)]
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        passes = []
        for order in (slices, slices[::-1]):
            before = viewer.update_bytes
            for frame in order:
                running.source.draw(0, 0, frame)
                await viewer.until(lambda: viewer.shows(running.frame))
            passes.append(viewer.update_bytes - before)
        await viewer.until_exact(running.frame)
        assert passes[1] <= 0.05 * passes[0]


async def test_scrolled_text_is_sent_as_moves() -> None:
    random = np.random.default_rng(2)
    page = np.full((3008, 600, 3), 255, np.uint8)
    for line in range(0, 3008 - 10, 16):
        length = int(random.integers(100, 600))
        marks = np.repeat(random.random((10, length // 2)) < 0.3, 2, axis=1)
        page[line : line + 10, : marks.shape[1]][marks] = 0
    async with running_agent() as running, FakeViewer(running.socket, cache_bytes=0) as viewer:
        running.source.draw(20, 10, page[:380])
        await viewer.until_exact(running.frame)
        for offset in range(16, 160, 16):
            running.source.draw(20, 10, page[offset : offset + 380])
            await viewer.until(lambda: viewer.shows(running.frame))
        await viewer.until_exact(running.frame)
        assert viewer.operations["move"] >= 5
        assert running.agent.metrics.mismatches == 0


async def test_detects_and_repairs_a_corrupted_surface() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        running.source.draw(0, 0, _noise(640, 400))
        await viewer.until_exact(running.frame)
        viewer.surface[100, 100] ^= 255
        await viewer.report(full=True)
        await viewer.until(lambda: viewer.state == "unverified")
        await viewer.until_exact(running.frame)
        assert running.agent.metrics.mismatches == 1
        await viewer.send(type="watch", status=True, trace=True)
        await viewer.until(lambda: bool(viewer.received("status")) and bool(viewer.received("trace")))
        status = viewer.received("status")[-1]
        assert status["mismatches"] == 1
        assert status["state"] == "exact"
        assert status["raw_bytes"] > 640 * 400 * 3
        assert (
            sum(status["encodings"].values()) + status["cached"] + status["moved"] == status["updated_tiles"]
        )
        assert status["verified"] == status["tiles"] == 70
        assert status["verified_total"] > 70


async def test_the_trace_has_every_stage_in_order() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.send(type="ping", t=5.0)
        await viewer.send(type="watch", status=False, trace=True)
        for number in range(5):
            running.source.fill(Rect(0, 0, 9, 9), number)
            await asyncio.sleep(0.01)
        await viewer.until(lambda: any(message["frames"] for message in viewer.received("trace")))
        frame = viewer.received("trace")[0]["frames"][-1]
        agent_times = [frame[name] for name in ("damaged", "captured", "diffed", "encoded", "sent", "acked")]
        assert agent_times == sorted(agent_times)
        viewer_times = [frame[name] for name in ("received", "decoded", "shown")]
        assert viewer_times == sorted(viewer_times)
        assert viewer.received("pong")[0]["t"] == 5.0


async def test_slow_viewers_do_not_delay_others() -> None:
    permits = asyncio.Semaphore(0)
    async with (
        running_agent() as running,
        FakeViewer(running.socket, never_acks=True) as silent,
        FakeViewer(running.socket, ack_permits=permits) as slow,
        FakeViewer(running.socket) as quick,
    ):
        await quick.until_exact(running.frame)
        for number in range(20):
            running.source.draw(0, 0, _noise(512, 384, number))
            await quick.until(lambda: quick.shows(running.frame))
            if number % 4 == 0:
                permits.release()
        assert len(quick.updates) >= 20
        assert len(silent.updates) <= 3
        assert len(slow.updates) <= 12
        for _ in range(100):
            permits.release()
        await slow.until_exact(running.frame)
        assert running.agent.metrics.dropped > 0
        assert running.agent.metrics.shared > 0


async def test_refresh_starts_over() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        running.source.draw(0, 0, _noise(300, 300))
        await viewer.until_exact(running.frame)
        viewer.surface[:] = 9
        await viewer.send(type="refresh", monitor=0)
        await viewer.until(lambda: viewer.updates[-1][1] & 1 == 1 and len(viewer.updates) > 1)
        await viewer.until_exact(running.frame)


async def test_a_viewer_that_reconnects_sees_the_same_desktop() -> None:
    async with running_agent() as running:
        running.source.draw(5, 5, _noise(300, 300))
        for _ in range(2):
            async with FakeViewer(running.socket) as viewer:
                await viewer.until_exact(running.frame)
        assert running.input.done.count(("release",)) >= 1


async def test_reads_again_what_was_drawn_during_a_read() -> None:
    source = TornSource(640, 400)
    async with running_agent(source) as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        source.times = 7
        source.fill(Rect(0, 0, 10, 10), 0xFFFFFF)
        await viewer.until(lambda: source.times == 0 and viewer.shows(source.current))
        await viewer.until_exact(running.frame)
        assert running.agent.metrics.torn > 0


async def test_input_reaches_the_desktop() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.send(type="pointer", x=10, y=20, buttons=1)
        await viewer.send(type="pointer", x=9999, y=-5, buttons=0)
        await viewer.send(type="wheel", x=639, y=0, dx=0, dy=120)
        await viewer.send(type="wheel", x=7, y=8, dx=-3, dy=0)
        await viewer.send(type="key", keysym=97, code="KeyA", down=True)
        await viewer.send(type="text", text="한글")
        await viewer.send(type="release")
        await viewer.send(type="ping", t=1)
        await viewer.until(lambda: bool(viewer.received("pong")))
        assert running.input.done == [
            ("pointer", 10, 20, 1),
            ("pointer", 639, 0, 0),
            ("wheel", 0, 120),
            ("pointer", 7, 8, 0),
            ("wheel", -3, 0),
            ("key", 97, "KeyA", True),
            ("text", "한글"),
            ("release",),
        ]


async def test_failing_input_is_reported_and_ends_nothing() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        running.input.broken = True
        await viewer.send(type="key", keysym=97, code="KeyA", down=True)
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == "input-failed"
        running.source.fill(Rect(0, 0, 5, 5), 0xFFFFFF)
        await viewer.until_exact(running.frame)


async def test_notifies_viewers_of_pointers_that_others_and_programs_move() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket) as one,
        FakeViewer(running.socket) as other,
    ):
        await other.until(lambda: other.epoch > 0)
        await one.send(type="pointer", x=3, y=4, buttons=0)
        await other.until(lambda: bool(other.received("pointer")))
        assert other.received("pointer")[0] == {"type": "pointer", "x": 3, "y": 4}
        running.cursor.position_px = (50, 60)
        await one.until(lambda: bool(one.received("pointer")))
        assert one.received("pointer") == [{"type": "pointer", "x": 50, "y": 60}]


async def test_sends_cursor_shapes() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: bool(viewer.received("cursor")))
        cursor = viewer.received("cursor")[0]
        assert (cursor["width"], cursor["height"], cursor["hot_x"], cursor["hot_y"]) == (2, 3, 1, 2)
        assert base64.b64decode(cursor["png"]).startswith(b"\x89PNG")
        running.cursor.set_shape(CursorShape(1, 1, 0, 0, None))
        await viewer.until(lambda: viewer.received("cursor")[-1]["png"] is None)


@pytest.mark.parametrize(
    "frame", ["{", '{"type":"nonsense"}', '{"type":"hello"}', b"", b"\x02" * 20, b"\x00" * 300_000]
)
async def test_malformed_frames_close_the_connection(frame: str | bytes) -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket) as viewer,
        FakeViewer(running.socket) as bystander,
    ):
        await viewer.until(lambda: viewer.epoch > 0)
        await viewer.connection.send(frame)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == CloseCode.PROTOCOL_VIOLATION
        running.source.fill(Rect(0, 0, 5, 5), 0xFFFFFF)
        await bystander.until_exact(running.frame)


async def test_refuses_another_protocol_version() -> None:
    async with running_agent() as running, FakeViewer(running.socket, hello=False) as viewer:
        await viewer.send(type="hello", protocol=2, client="", monitor=0, cache_bytes=0, encodings=[])
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == CloseCode.VERSION_MISMATCH


async def test_serves_metrics_and_health_pages() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        running.source.draw(0, 0, _noise(200, 200))
        await viewer.until_exact(running.frame)
        head, body = await _get(running.socket, "/metrics", version="1.0")
        assert " 200 " in head
        assert "lightbox_agent_viewers 1.0" in body
        assert 'lightbox_agent_frame_seconds_bucket{le="+Inf",stage="total"}' in body
        assert 'lightbox_agent_tiles_total{encoding="grey"}' in body
        assert " 200 " in (await _get(running.socket, "/healthz"))[0]
        assert " 404 " in (await _get(running.socket, "/other"))[0]


async def test_only_its_own_user_may_connect() -> None:
    async with running_agent() as running:
        assert running.socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("secret", ["", "another secret", SECRET[:-1]])
async def test_nobody_without_the_secret_may_connect(secret: str) -> None:
    async with running_agent() as running:
        with pytest.raises(InvalidStatus, match="403"):
            await FakeViewer(running.socket, secret=secret).__aenter__()
        for path in ("/metrics", "/healthz", "/other"):
            assert " 403 " in (await _get(running.socket, path, secret=secret))[0]


async def test_no_unexpected_user_may_connect() -> None:
    async with running_agent(uids=[os.geteuid() + 1]) as running:
        with pytest.raises(InvalidStatus, match="403"):
            await FakeViewer(running.socket).__aenter__()
        assert " 403 " in (await _get(running.socket, "/metrics"))[0]


async def test_ends_when_the_x_server_dies() -> None:
    async def life() -> None:
        async with running_agent() as running, FakeViewer(running.socket) as viewer:
            await viewer.until(lambda: viewer.epoch > 0)
            running.source.fail("The X server is gone.")
            await asyncio.sleep(0.05)

    with pytest.raises(CaptureError, match="gone"):
        await life()


async def test_says_which_devices_gave_input_and_which_lost_the_desktop() -> None:
    """The gateway locks screens by it. Drawing on the desktop is no input."""

    async def devices() -> dict[str, tuple[bool, bool]]:
        head, body = await _get(running.socket, "/devices")
        assert head.startswith("HTTP/1.1 200")
        reports = msgspec.json.decode(body, type=list[DeviceReport])
        return {
            report.device: (report.input_age_s is not None, report.lost_age_s is not None)
            for report in reports
        }

    async with running_agent() as running, FakeViewer(running.socket, device="ward") as ward:
        running.source.draw(0, 0, _noise(640, 400))
        await ward.until_exact(running.frame)
        assert await devices() == {"ward": (False, False)}
        await ward.send(type="key", keysym=97, code="KeyA", down=True)
        await ward.until(lambda: bool(running.input.done))
        assert await devices() == {"ward": (True, False)}
        async with FakeViewer(running.socket, device="tablet") as tablet:
            await tablet.until_exact(running.frame)
            assert await devices() == {"ward": (True, True), "tablet": (False, False)}


async def test_makes_all_viewers_ask_for_a_message_of_the_broker() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket) as first,
        FakeViewer(running.socket) as second,
    ):
        for viewer in (first, second):
            await viewer.until_exact(running.frame)
        assert (await _get(running.socket, "/message"))[0].startswith("HTTP/1.1 200")
        for viewer in (first, second):
            await viewer.until(lambda: bool(viewer.received("notice")))  # noqa: B023 - awaited at once
            assert [notice["code"] for notice in viewer.received("notice")] == ["message-waiting"]


async def test_tells_viewers_when_it_ends() -> None:
    async with running_agent() as running:
        viewer = await FakeViewer(running.socket).__aenter__()
        await viewer.until(lambda: viewer.epoch > 0)
    await viewer.until(lambda: viewer.close_code is not None)
    assert viewer.close_code == CloseCode.GOING_AWAY


async def test_refuses_another_subprotocol() -> None:
    async with running_agent() as running:
        from websockets.asyncio.client import unix_connect
        from websockets.typing import Subprotocol

        with pytest.raises(InvalidStatus, match="400"):
            await unix_connect(
                str(running.socket),
                "ws://agent/viewer",
                subprotocols=[Subprotocol("lightbox.2")],
                additional_headers={SECRET_HEADER: SECRET},
            )


async def _get(socket: object, path: str, version: str = "1.1", secret: str = SECRET) -> tuple[str, str]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    head = f"GET {path} HTTP/{version}\r\nHost: agent\r\n{SECRET_HEADER}: {secret}"
    writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read(-1)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body
