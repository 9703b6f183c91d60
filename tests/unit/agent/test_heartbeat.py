"""Heartbeats prove that damage is delivered, and say so when the X server stops to answer."""

from __future__ import annotations

import asyncio

from display_server.agent.heartbeat import SILENT_AFTER_S, Heartbeat
from display_server.protocol import messages as m
from tests.fakes.agent import running_agent
from tests.fakes.viewer import FakeViewer


class Bench:
    """A heartbeat with one viewer, a clock that the test sets, and an X server that answers when told to."""

    def __init__(self, patience: float = 1.0) -> None:
        self.answering = True
        self.now_s = 100.0
        self.questions: list[asyncio.Future[None]] = []
        self.received: list[m.Heartbeat] = []
        self.connected = True
        self.heartbeat = Heartbeat(
            self,
            lambda: [self] if self.connected else [],
            lambda _now_s: ["supervisor"],
            lambda: self.now_s,
            patience=patience,
        )

    async def confirm(self) -> None:
        question = asyncio.get_running_loop().create_future()
        self.questions.append(question)
        await question

    def notify_heartbeat(self, heartbeat: m.Heartbeat) -> None:
        self.received.append(heartbeat)

    async def beat(self) -> None:
        self.heartbeat.beat()
        await asyncio.sleep(0)

    async def answer(self) -> None:
        self.questions[-1].set_result(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_heartbeat_is_sent_when_the_x_server_answers() -> None:
    bench = Bench()
    await bench.beat()
    assert not bench.received
    bench.now_s += 0.05
    await bench.answer()
    assert bench.received == [m.Heartbeat(1, 100_050.0, 50.0, ["supervisor"])]


async def test_before_the_first_answer_nothing_is_proven() -> None:
    bench = Bench()
    await bench.beat()
    await bench.beat()
    assert [beat.age_ms for beat in bench.received] == [None]
    assert len(bench.questions) == 1, "one question at a time"


async def test_an_x_server_that_does_not_answer_is_silent_until_it_does() -> None:
    bench = Bench()
    await bench.beat()
    await bench.answer()
    await bench.beat()
    bench.now_s += SILENT_AFTER_S + 0.1
    await bench.beat()
    assert not bench.answering
    assert bench.received[-1].silent == ["x-server", "supervisor"]
    assert bench.received[-1].age_ms == round((SILENT_AFTER_S + 0.1) * 1000, 1)
    await bench.answer()
    assert bench.answering
    assert bench.received[-1].silent == ["supervisor"]


async def test_patience_multiplies_the_time_after_which_the_x_server_is_silent() -> None:
    bench = Bench(patience=10)
    await bench.beat()
    bench.now_s += 10 * SILENT_AFTER_S - 0.1
    await bench.beat()
    assert bench.answering
    bench.now_s += 0.2
    await bench.beat()
    assert not bench.answering


async def test_the_x_server_is_not_asked_without_viewers() -> None:
    bench = Bench()
    bench.connected = False
    await bench.beat()
    assert not bench.questions


async def test_no_state_is_exact_while_the_x_server_does_not_answer() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        running.source.hang(hanging=True)
        await viewer.until(lambda: viewer.state != "exact")
        assert "x-server" in viewer.received("heartbeat")[-1]["silent"]
        running.source.hang(hanging=False)
        await viewer.until_exact(running.frame)
