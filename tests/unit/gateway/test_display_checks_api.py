"""Results of display checks, as a page stores and lists them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import running_door
from tests.fakes.launchers import EchoLauncher

RESULT: dict[str, Any] = {
    "desktop": "office",
    "width": 1280,
    "height": 800,
    "device": {
        "name": "Safari · iPad",
        "screen_width": 2360,
        "screen_height": 1640,
        "ratio": 2,
        "colour_depth": 24,
        "gamut": "p3",
        "high_dynamic_range": True,
    },
    "patterns": [{"pattern": "tg18-qc", "state": "exact", "answers": [True]}],
    "trials": [{"base": 9, "difference": 2, "place": 1, "answer": None, "state": "exact"}],
}


async def test_stored_and_listed_for_the_person_alone(tmp_path: Path) -> None:
    async with running_door(tmp_path, EchoLauncher(), served=False) as under_test:
        lee = await under_test.signed_in("lee")
        answer = await lee.post("/api/v1/checks", json=RESULT)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["username"], answer.json()["passed"]) == ("lee", False)
        (listed,) = (await lee.get("/api/v1/checks")).json()
        assert listed == answer.json()
        assert listed["device"] == RESULT["device"]
        kim = await under_test.signed_in("kim")
        assert (await kim.get("/api/v1/checks")).json() == []


async def test_nobody_without_signing_in(tmp_path: Path) -> None:
    async with (
        running_door(tmp_path, EchoLauncher(), served=False) as under_test,
        under_test.inside() as client,
    ):
        assert (await client.post("/api/v1/checks", json=RESULT)).status_code == 401
        assert (await client.get("/api/v1/checks")).status_code == 401


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        (("desktop",), "private", 404),
        (("width",), 0, 422),
        (("device", "name"), "x" * 65, 422),
        (("device", "ratio"), -1, 422),
        (("patterns",), [], 422),
        (("patterns", 0, "pattern"), "other", 422),
        (("patterns", 0, "state"), "fine", 422),
        (("trials", 0, "base"), 256, 422),
        (("trials", 0, "answer"), 4, 422),
        (("trials",), RESULT["trials"] * 65, 422),
        (("extra",), 1, 422),
    ],
)
async def test_what_is_no_result(tmp_path: Path, path: tuple[Any, ...], value: object, status: int) -> None:
    wrong = copy.deepcopy(RESULT)
    target: Any = wrong
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    async with running_door(tmp_path, EchoLauncher(), served=False) as under_test:
        lee = await under_test.signed_in("lee")
        answer = await lee.post("/api/v1/checks", json=wrong)
        assert answer.status_code == status
        assert answer.json()["message"]
        assert (await lee.get("/api/v1/checks")).json() == []
