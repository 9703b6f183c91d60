from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.pools.rollout import PROOF_S, TRANSITIONS, Event, Phase, Rollout
from display_server.errors import ConfigurationError

NEW = Rollout().recompose("2", 10, None, 100)


def working(rollout: Rollout, now_s: float, *, working: int = 1, former: int = 5) -> Rollout:
    return rollout.observed(working=working, wanted=1, former=former, now_s=now_s)


def test_canaries_come_first_and_the_others_follow_when_they_have_worked_for_a_while() -> None:
    assert (NEW.phase, NEW.version, NEW.target) == (Phase.CANARY, "default", "2")
    assert [NEW.canaries(desktops) for desktops in (0, 1, 10, 11, 40)] == [1, 1, 1, 2, 4]
    begun = working(NEW, 200)
    assert working(begun, 200 + PROOF_S - 1).phase is Phase.CANARY
    rolling = working(begun, 200 + PROOF_S)
    assert (rolling.phase, rolling.version, rolling.previous) == (Phase.ROLLING, "2", "default")
    assert rolling.canaries(40) == 0
    assert working(rolling, 400).phase is Phase.ROLLING
    assert working(rolling, 400, former=0).phase is Phase.STEADY


def test_canaries_have_to_work_all_the_time() -> None:
    begun = working(NEW, 200)
    interrupted = working(begun, 230, working=0)
    again = working(interrupted, 240)
    assert working(again, 240 + PROOF_S - 1).phase is Phase.CANARY
    assert working(working(NEW, 0).failed("Xvfb is missing.", 3), PROOF_S).phase is Phase.CANARY


def test_failing_canaries_stop_it_and_the_former_version_stays() -> None:
    failed = NEW
    for _ in range(2):
        failed = failed.failed("Xvfb is missing.", 3)
        assert failed.phase is Phase.CANARY
    failed = failed.failed("Xvfb is missing.", 3)
    assert (failed.phase, failed.version, failed.target) == (Phase.STOPPED, "default", "2")
    assert (failed.canaries(40), failed.error) == (0, "Xvfb is missing.")
    assert failed.failed("later", 1) == failed
    again = failed.recompose("2", 10, None, 300)
    assert (again.phase, again.failures, again.error) == (Phase.CANARY, 0, None)


def test_a_roll_back_returns_to_the_version_before_in_every_phase() -> None:
    assert NEW.roll_back(300).version == "default"
    rolling = Rollout().recompose("2", 100, None, 100)
    assert rolling.version == "2"
    back = rolling.roll_back(300)
    assert (back.phase, back.version, back.previous) == (Phase.ROLLING, "default", "2")
    assert back.roll_back(400).version == "2"
    third = working(rolling, 100, former=0).recompose("3", 10, None, 500)
    assert (third.roll_back(600).version, third.roll_back(600).previous) == ("2", "default")
    with pytest.raises(ConfigurationError, match="never recomposed"):
        Rollout().roll_back(300)
    with pytest.raises(ConfigurationError, match="already"):
        rolling.recompose("2", 10, None, 300)


def test_the_deadline_counts_from_the_end_of_the_canaries() -> None:
    rollout = Rollout().recompose("2", 10, 600, 100)
    assert rollout.deadline_s is None
    rolling = working(working(rollout, 200), 200 + PROOF_S)
    assert rolling.deadline_s == 200 + PROOF_S + 600
    assert rolling.roll_back(300).deadline_s is None
    assert working(rolling, 300, former=0).deadline_s is None


@given(st.lists(st.sampled_from(["recompose", "back", "failed", "working", "idle", "replaced"]), max_size=20))
def test_the_version_in_use_is_always_one_that_was_proved_or_chosen(steps: list[str]) -> None:
    rollout, now_s = Rollout(), 0.0
    for number, step in enumerate(steps):
        now_s += PROOF_S
        before = rollout
        if step == "recompose":
            rollout = rollout.recompose(str(number), 50, None, now_s)
        elif step == "back" and (rollout.previous or rollout.phase in (Phase.CANARY, Phase.STOPPED)):
            rollout = rollout.roll_back(now_s)
        elif step == "failed":
            rollout = rollout.failed("error", 2)
        else:
            enough = step in ("working", "replaced")
            rollout = working(rollout, now_s, working=int(enough), former=int(step != "replaced"))
        if rollout.version != before.version:
            proved = before.phase is Phase.CANARY and before.proved_from_s is not None
            assert (proved and rollout.version == before.target) or step == "back"
        assert msgspec.json.decode(msgspec.json.encode(rollout), type=Rollout) == rollout


def test_each_event_leads_where_the_table_says() -> None:
    for phase, event in itertools.product(Phase, (Event.RECOMPOSE, Event.RECOMPOSE_AT_ONCE)):
        percent = 10 if event is Event.RECOMPOSE else 100
        assert Rollout(phase).recompose("2", percent, None, 0).phase is TRANSITIONS[phase, event]
    for phase in Phase:
        back = Rollout(phase, version="2", previous="1").roll_back(0)
        assert back.phase is TRANSITIONS[phase, Event.ROLL_BACK]
