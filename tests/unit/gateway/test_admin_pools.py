"""The administration API: versions of pools, and whose the desktops of dedicated pools are."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.pools.rollout import Phase
from display_server.desktop.pool_settings import PoolSettings
from display_server.desktop.profiles import folders
from tests.fakes.administration import POOL, Administration, administration

OWN = DesktopDefinition(
    "own", "Own", "blank", 1280, 720, ("*",), pool=PoolSettings(maximum=1, kind="dedicated")
)


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[None]:
    """There is a version `2` of the profile that the pools have."""
    before = folders.operator_folder()
    folders.use_operator_folder(tmp_path)
    (tmp_path / "blank@2.toml").write_text('title = { en = "Blank", ko = "빈" }\n')
    yield
    folders.use_operator_folder(before)


@pytest.fixture
async def found(versions: None) -> AsyncIterator[Administration]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        async with administration(Path(folder)) as running:
            services = running.gateway.services
            await services.catalogue.replace((POOL, OWN))
            services.pools.use(await services.catalogue.list_all())
            yield running


async def act(found: Administration, path: str, body: Any = None, username: str = "park") -> tuple[int, str]:
    answer = await found.ask(username, "POST", f"pools/{path}", body)
    return answer.status_code, answer.json()["message"] if answer.status_code >= 400 else ""


async def pool(found: Administration, name: str = "ward") -> dict[str, Any]:
    answer = await found.ask("park", "GET", f"pools/{name}")
    assert answer.status_code == 200
    fields: dict[str, Any] = answer.json()
    return fields


async def test_a_pool_changes_to_another_version_and_back(found: Administration) -> None:
    before = await pool(found)
    assert (before["image_version"], before["versions"], before["rollout"]) == (
        "default",
        ["default", "2"],
        "steady",
    )
    assert await act(found, "ward/recompose", {"version": "2", "canary_percent": 20}) == (204, "")
    changed = await pool(found)
    assert (changed["rollout"], changed["image_target"], changed["image_version"]) == (
        "canary",
        "2",
        "default",
    )
    assert (await act(found, "ward/rollback"))[0] == 204
    assert (await pool(found))["rollout"] == "rolling"
    assert (await act(found, "ward/recompose", {"version": "2", "canary_percent": 100}))[0] == 204
    assert (await pool(found))["image_version"] == "2"
    audited = await found.ask("choi", "GET", "audit", action="pool-changed")
    reasons = [entry["reason"] for entry in audited.json()["items"]]
    assert sorted(reasons) == ["recompose to 2, 100 % first", "recompose to 2, 20 % first", "roll back"]


async def test_wrong_orders_say_why(found: Administration) -> None:
    assert "no version '3'" in (await act(found, "ward/recompose", {"version": "3"}))[1]
    assert (await act(found, "ward/recompose", {"version": "2", "canary_percent": 0}))[0] == 422
    assert (await act(found, "ward/recompose", {"version": "2", "within_minutes": -1}))[0] == 422
    assert "never recomposed" in (await act(found, "ward/rollback"))[1]
    assert (await act(found, "none/rollback"))[0] == 404
    assert found.gateway.services.pools.recomposing.of("ward").phase is Phase.STEADY


async def test_desktops_are_assigned_and_released(found: Administration) -> None:
    assert (await pool(found, "own"))["kind"] == "dedicated"
    assert await act(found, "own/assign", {"person": "Lee"}) == (204, "")
    listed = (await found.ask("choi", "GET", "pools/own/assignments")).json()
    assert listed["items"] == [{"place": 1, "person": "lee", "state": "assigned", "error": None}]
    assert "in use" in (await act(found, "own/assign", {"person": "kim"}))[1]
    assert "is assigned to 'kim'" in (await act(found, "own/release", {"person": "kim"}))[1]
    assert "cannot be a username" in (await act(found, "own/assign", {"person": "a/b"}))[1]
    assert "is not dedicated" in (await act(found, "ward/assign", {"person": "lee"}))[1]
    assert await act(found, "own/release", {"person": "lee"}) == (204, "")
    listed = (await found.ask("choi", "GET", "pools/own/assignments", q="le")).json()
    assert [entry["state"] for entry in listed["items"]] == ["released"]
    audited = await found.ask("choi", "GET", "audit", action="desktop-released")
    [entry] = audited.json()["items"]
    assert (entry["role"], entry["object"]) == ("token", "desktop:lee/own")


async def test_only_administrators_change_pools(found: Administration) -> None:
    for username in ("choi", "hana", "kim"):
        assert (await act(found, "ward/rollback", username=username))[0] in (403, 404)
