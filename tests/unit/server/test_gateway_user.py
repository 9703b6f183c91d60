"""As whom the gateway runs."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from display_server.config import Config, DatabaseConfig, IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server import doctor
from display_server.server.gateway_user import become, gateway_user
from display_server.server.serve import serve_gateway
from display_server.spawner.layout import IDS_PER_DESKTOP, INSIDE_IDS
from tests.fakes.gateway import make_web_client

#: A user of every Debian, who is not root.
SOMEBODY = "daemon"
SERVICE = IsolationConfig(spawner="service", gateway_user=SOMEBODY)


def test_it_is_a_user_of_the_range_whom_no_container_has() -> None:
    for count in range(IDS_PER_DESKTOP, 4 * IDS_PER_DESKTOP):
        config = IsolationConfig(id_base=100_000, id_count=count)
        user = gateway_user(config)
        assert user is not None
        ranges = range(100_000, 100_000 + count - IDS_PER_DESKTOP + 1, IDS_PER_DESKTOP)
        mapped = {first + inside for first in ranges for inside in range(len(INSIDE_IDS))}
        assert user.uid == user.gid == 100_000 + count - 1
        assert user.uid not in mapped


def test_without_isolation_it_is_that_of_the_server() -> None:
    assert gateway_user(IsolationConfig(enabled=False, gateway_user="nobody-has-this-name")) is None


def test_a_name_can_be_given() -> None:
    found = pwd.getpwnam(SOMEBODY)
    user = gateway_user(SERVICE)
    assert user is not None
    assert (user.uid, user.gid) == (found.pw_uid, found.pw_gid)


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (IsolationConfig(spawner="service"), "cannot start its gateway"),
        (IsolationConfig(gateway_user="nobody-has-this-name"), "no user 'nobody-has-this-name'"),
        (IsolationConfig(gateway_user="root"), "root or in the range"),
        (IsolationConfig(gateway_user=SOMEBODY, id_base=pwd.getpwnam(SOMEBODY).pw_uid), "in the range"),
    ],
)
def test_what_would_be_no_user_of_its_own_is_refused(config: IsolationConfig, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause) as refused:
        gateway_user(config)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (IsolationConfig(), "starts its gateway by itself"),
        (IsolationConfig(enabled=False, spawner="service"), "starts its gateway by itself"),
        (SERVICE, f"Only the user '{SOMEBODY}'"),
    ],
)
def test_a_gateway_is_a_service_only_for_its_own_user(
    tmp_path: Path, config: IsolationConfig, cause: str
) -> None:
    make_web_client(tmp_path / "dist")
    with pytest.raises(ConfigurationError, match=cause):
        serve_gateway(Config(state=tmp_path, web_client=tmp_path / "dist", isolation=config), lambda: None)


def test_only_root_can_become_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    user = gateway_user(SERVICE)
    assert user is not None
    with pytest.raises(ConfigurationError, match="Only root") as refused:
        become(user)
    assert "--no-isolation" in refused.value.hint


def test_the_doctor_says_what_a_gateway_would_inherit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finding(config: Config) -> doctor.Finding:
        return doctor._user_of_gateway(config)

    monkeypatch.setenv("PGPASSWORD", "secret")
    database = DatabaseConfig(url="postgresql://lightbox@db.hospital.example/lightbox")
    assert finding(Config(state=tmp_path)).ok
    refused = finding(Config(state=tmp_path, database=database))
    assert (refused.ok, refused.mandatory) == (False, True)
    assert "secret" not in refused.as_line()
    assert finding(Config(state=tmp_path, database=database, isolation=SERVICE)).ok
    alone = finding(Config(state=tmp_path, isolation=IsolationConfig(enabled=False)))
    assert (alone.ok, alone.mandatory) == (False, False)
