"""What the overview says of latency and exactness comes from what agents have counted lately."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker.api import agent_figures
from display_server.broker.api.agent_figures import (
    ASK_INTERVAL_S,
    WHOLE,
    AgentFigures,
    Figures,
    added,
    parse,
    percentile_ms,
)
from display_server.broker_link.agent_address import AgentAddress
from display_server.telemetry.metrics import AgentMetrics

AGENT = AgentAddress("s1", "office", Path("/nowhere"), Path("/nowhere"), "secret")


def metrics(*seconds: float, exact_s: int = 0, lossy_s: int = 0) -> AgentMetrics:
    """Returns the metrics of an agent whose frames took this long altogether."""
    made = AgentMetrics()
    for duration_s in seconds:
        made.stages[WHOLE].add(duration_s)
    made.state_s.update({"exact": exact_s, "lossy": lossy_s})
    return made


def test_reads_what_an_agent_exports() -> None:
    figures = parse(metrics(0.001, 0.03, 0.03, exact_s=7, lossy_s=2).render())
    assert figures.states == {"exact": 7.0, "lossy": 2.0}
    assert figures.stages[WHOLE][float("inf")] == 3
    assert figures.stages[WHOLE][0.001] == 1
    assert parse(b"\xff no metrics") == Figures()


def test_what_is_recent_is_the_difference() -> None:
    before, after = parse(metrics(0.5, 0.5).render()), parse(metrics(0.5, 0.5, 0.001, exact_s=1).render())
    recent = after.since(before)
    assert recent.stages[WHOLE][float("inf")] == 1
    assert percentile_ms(recent.stages[WHOLE], 0.95) == pytest.approx(1, abs=0.1)
    again = parse(metrics(0.001).render())
    assert again.since(parse(metrics(0.1, exact_s=5).render())).states.get("exact", 0) >= 0


def test_the_percentile_lies_in_the_right_bucket() -> None:
    figures = parse(metrics(*[0.0015] * 95, *[0.1] * 5).render())
    assert percentile_ms(figures.stages[WHOLE], 0.5) == pytest.approx(1.53, abs=0.1)
    assert percentile_ms(figures.stages[WHOLE], 0.99) == pytest.approx(119, abs=15)
    slow = parse(metrics(9.0).render())
    assert percentile_ms(slow.stages[WHOLE], 0.5) == 2000, "the last bucket has no upper bound"
    assert percentile_ms({}, 0.5) is None
    assert percentile_ms(Figures().stages.get(WHOLE, {}), 0.95) is None


def test_agents_add_up() -> None:
    total = added([parse(metrics(0.001, exact_s=1).render()), parse(metrics(0.5, exact_s=2).render())])
    assert total.stages[WHOLE][float("inf")] == 2
    assert total.states["exact"] == 3


async def test_agents_are_asked_rarely_and_only_when_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    pages = [metrics(0.5, exact_s=1).render(), metrics(0.5, 0.001, exact_s=4).render()]

    async def read(agent: AgentAddress, _path: str) -> bytes | None:
        asked.append(agent.session)
        return pages[len(asked) - 1]

    monkeypatch.setattr(agent_figures, "read_agent_page", read)
    now_s = 0.0
    figures = AgentFigures(lambda: [AGENT], lambda: now_s)
    assert (figures.recent(), asked) == (Figures(), []), "nobody has answered yet"
    await figures.until_asked()
    assert figures.recent().states["exact"] == 1
    now_s = ASK_INTERVAL_S
    figures.recent()
    await figures.until_asked()
    assert figures.recent().states["exact"] == 3
    assert len(asked) == 2
