"""Monitoring as operators get it: alert rules, a dashboard and a probe, with the real Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lightbox import COMMAND, Lightbox
from tests.e2e.processes import Program, free_port, wait_for

ROOT = Path(__file__).resolve().parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
#: Parts that the demo does not have. Their metrics are looked up in the source instead.
ABSENT = ("lightbox_directory_", "lightbox_pool_", "lightbox_probe_")
#: What Prometheus itself adds.
OWN = {"up"}
METRIC = re.compile(r"\b((?:lightbox|process)_[a-z0-9_]+|up)\b")
TIMEOUT_S = 120.0


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dashboard_queries() -> list[str]:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def alert_queries() -> list[str]:
    """Returns the expressions of the rules, as promtool reads them."""
    text = (MONITORING / "alerts.yaml").read_text()
    blocks = re.findall(r"expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)", text)
    return [" ".join(folded.split()) or plain for folded, plain in blocks]


@pytest.fixture(scope="module")
def lightbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lightbox]:
    log = tmp_path_factory.mktemp("monitored") / "lightbox.log"
    with Lightbox(log, profile="blank", width_px=640, height_px=480) as running:
        yield running


class Prometheus:
    """The real program, which scrapes a server every second with the documented configuration."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, path: str, **parameters: str) -> Any:
        address = f"{self._url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Raises HTTPError for an expression that Prometheus does not understand."""
        found: list[dict[str, Any]] = self.get("/api/v1/query", query=expression)["result"]
        return found


@contextmanager
def prometheus(folder: Path, lightbox: Lightbox) -> Iterator[Prometheus]:
    port = free_port()
    text = (MONITORING / "prometheus.yaml").read_text()
    for documented, ours in {
        "/etc/prometheus/lightbox-token": str(lightbox.state_folder / "metrics-token"),
        "/etc/prometheus/lightbox-ca.crt": str(lightbox.state_folder / "tls" / "ca.crt"),
        "lightbox.hospital.example:8443": f"127.0.0.1:{lightbox.port}",
        "localhost:9100": f"127.0.0.1:{port}",
        "scrape_interval: 15s": "scrape_interval: 1s",
        "alerts.yaml": str(MONITORING / "alerts.yaml"),
    }.items():
        assert documented in text
        text = text.replace(documented, ours)
    (folder / "prometheus.yaml").write_text(text)
    command = ["prometheus", f"--config.file={folder / 'prometheus.yaml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    program = Program(command, log=folder / "prometheus.log")
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")

        def scraped() -> bool:
            try:
                # Rates need two values.
                return server.query('count_over_time(up{job="lightbox"}[1m]) >= 3') != []
            except OSError:
                assert program.running, program.log_tail()
                return False

        wait_for(scraped, timeout_s=TIMEOUT_S, what="three scrapes of the server")
        yield server
    finally:
        program.stop()


def test_the_rules_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yaml")
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yaml")


def test_every_alert_has_a_test_and_says_what_to_do() -> None:
    rules, tests = (MONITORING / "alerts.yaml").read_text(), (MONITORING / "alerts.test.yaml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) == len(alert_queries()) == rules.count("next_step:") == rules.count("summary:")
    assert [alert for alert in alerts if alert not in tests] == []


def test_prometheus_answers_every_query_of_dashboard_and_rules(lightbox: Lightbox, tmp_path: Path) -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "display_server").rglob("*.py"))
    with prometheus(tmp_path, lightbox) as server:
        assert server.query('up{job="lightbox"}')[0]["value"][1] == "1"
        known = set(server.get("/api/v1/label/__name__/values"))
        for query in [*dashboard_queries(), *alert_queries()]:
            query = query.replace("$instance", ".*").replace("$__rate_interval", "1m")
            found = server.query(query)
            names = set(METRIC.findall(query)) - OWN
            absent = {name for name in names if name.startswith(ABSENT)}
            missing = {name for name in names - absent if name not in known}
            assert not missing - of_families_without_samples(source), f"{query} names {missing}"
            assert all(name.removesuffix("_total") in source for name in absent), query
            if query in dashboard_queries() and not absent and not missing:
                assert found, query
        rules = server.get("/api/v1/rules")["groups"][0]["rules"]
        assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def of_families_without_samples(source: str) -> set[str]:
    """Returns metrics that have no value before something happened: counters with labels."""
    names = re.findall(r'Counter(?:MetricFamily)?\(\s*"(lightbox_[a-z_]+)",[^)]*?labels=', source)
    names += re.findall(r'Counter\("(lightbox_[a-z_]+)", "[^"]*", \[', source)
    return {f"{name}_total" for name in names}


def test_the_probe_signs_in_opens_a_desktop_and_sees_a_picture(lightbox: Lightbox, tmp_path: Path) -> None:
    password, metrics = tmp_path / "password", tmp_path / "probe.prom"
    password.touch(mode=0o600)
    password.write_text(lightbox.password)
    arguments = ["probe", lightbox.url, "--user", lightbox.username, "--password-file", str(password)]
    arguments += ["--desktop", "blank", "--ca", str(lightbox.state_folder / "tls" / "ca.crt")]
    steps = json.loads(lightbox.command(*arguments, "--json", "--textfile", str(metrics)))
    assert [step["name"] for step in steps] == ["sign-in", "list", "open", "picture", "sign-out"]
    assert [step["failure"] for step in steps] == [""] * 5
    text = metrics.read_text()
    assert "lightbox_probe_success 1\n" in text
    assert f"lightbox_probe_timestamp_seconds {int(time.time()) // 1000}" in text
    with metrics.open() as stream:
        checked = subprocess.run(
            ["promtool", "check", "metrics"], stdin=stream, capture_output=True, text=True
        )
    assert "error" not in checked.stderr.lower(), checked.stderr


def test_the_probe_says_which_step_fails(lightbox: Lightbox, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.touch(mode=0o600)
    password.write_text("not the password")
    arguments = ["probe", lightbox.url, "--user", lightbox.username, "--password-file", str(password)]
    arguments += ["--ca", str(lightbox.state_folder / "tls" / "ca.crt")]
    done = subprocess.run(
        [*COMMAND, *arguments], env=lightbox.environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout.startswith("sign-in: ")
    assert "FAILED: The server answered with 401" in done.stdout
