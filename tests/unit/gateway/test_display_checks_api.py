"""Display checks over HTTP."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import running_gateway
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


async def test_a_result_is_listed_for_its_person_only(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, EchoLauncher(), served=False) as gateway:
        lee = await gateway.sign_in("lee")
        answer = await lee.post("/api/v1/checks", json=RESULT)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["username"], answer.json()["passed"]) == ("lee", False)
        (listed,) = (await lee.get("/api/v1/checks")).json()
        assert listed == answer.json()
        assert listed["device"] == RESULT["device"]
        kim = await gateway.sign_in("kim")
        assert (await kim.get("/api/v1/checks")).json() == []


async def test_requires_signing_in(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, EchoLauncher(), served=False) as gateway,
        gateway.in_process_client() as client,
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
async def test_rejects_malformed_results(
    tmp_path: Path, path: tuple[Any, ...], value: object, status: int
) -> None:
    wrong = copy.deepcopy(RESULT)
    target: Any = wrong
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    async with running_gateway(tmp_path, EchoLauncher(), served=False) as gateway:
        lee = await gateway.sign_in("lee")
        answer = await lee.post("/api/v1/checks", json=wrong)
        assert answer.status_code == status
        assert answer.json()["message"]
        assert (await lee.get("/api/v1/checks")).json() == []
