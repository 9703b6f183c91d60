"""The units of deploy/systemd: valid, hardened, and started in an order that works.

No systemd runs here. Its own tool examines the units, and the commands of the units are run in their order.
"""

from __future__ import annotations

import grp
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.gateway import make_web_client

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
#: The largest exposure level that `systemd-analyze security` may find in each service, in tenths. Whatever
#: makes containers keeps the privileges, namespaces and mounts that count most there.
SERVICES = {
    "lightbox.service": 30,
    "lightbox-gateway.service": 30,
    "lightbox-certificate.service": 30,
    "lightbox-probe.service": 30,
    "lightbox-spawner.service": 50,
}
INSTALLED = "/opt/lightbox/bin/lightbox"
LIGHTBOX = Path(sys.executable).with_name("lightbox")

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="not run: systemd-analyze is not installed"
)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@needs_systemd
def test_the_units_are_valid(tmp_path: Path) -> None:
    """The units name the place where Lightbox is installed; here it is somewhere else."""
    for unit in UNITS.glob("lightbox*.[st]*"):
        if unit.suffix in {".service", ".timer"}:
            (tmp_path / unit.name).write_text(unit.read_text().replace(INSTALLED, str(LIGHTBOX)))
    units = sorted(tmp_path.iterdir())
    assert len(units) == 7
    done = analyze("verify", *units)
    ours = [line for line in done.stderr.splitlines() if "lightbox" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@needs_systemd
@pytest.mark.parametrize("service", SERVICES)
def test_the_services_are_hardened(service: str) -> None:
    limit = SERVICES[service]
    done = analyze("security", "--offline=true", f"--threshold={limit}", UNITS / service)
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level for [\w.-]+: ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    assert float(found[1]) * 10 <= limit


def settings_of(unit: str) -> dict[str, list[str]]:
    """Returns the settings of a unit by their names."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text().replace("\\\n", "").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value.strip())
    return found


def test_only_the_program_of_the_certificate_can_read_the_key_of_the_authority() -> None:
    server, certificate = settings_of("lightbox.service"), settings_of("lightbox-certificate.service")
    assert server["User"] == ["lightbox"]
    assert server["CapabilityBoundingSet"] == [""]
    assert server["InaccessiblePaths"] == ["-/var/lib/lightbox-authority"]
    assert "lightbox-authority" not in " ".join(server["StateDirectory"])
    assert "User" not in certificate, "the key is root's"
    families = certificate["RestrictAddressFamilies"][0].split()
    assert not {"AF_INET", "AF_INET6"} & set(families)
    assert "lightbox-certificate.service" in server["After"][0].split()


def test_the_spawner_alone_is_root_and_starts_before_the_server() -> None:
    server, spawner = settings_of("lightbox.service"), settings_of("lightbox-spawner.service")
    assert "User" not in spawner
    assert "lightbox-spawner.service" in server["After"][0].split()
    assert "lightbox-spawner.service" in server["Wants"][0].split()
    words = shlex.split(spawner["ExecStart"][0])
    assert words[1:4] == ["spawner", "--user", server["User"][0]]
    assert spawner["KillMode"] == ["process"], "desktops go on without it"
    # What these do is inherited by the desktops, or hides what containers need (docs/systemd.md).
    for setting in ("Namespaces", "SUIDSGID"):
        assert f"Restrict{setting}" not in spawner
    for setting in ("Hostname", "KernelTunables", "KernelLogs", "Proc"):
        assert f"Protect{setting}" not in spawner


def test_the_gateway_is_another_user_who_sees_nothing_of_the_server() -> None:
    server, gateway = settings_of("lightbox.service"), settings_of("lightbox-gateway.service")
    lines = (UNITS / "lightbox.sysusers").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("u ")]
    assert users == [*server["User"], *gateway["User"]]
    assert len(set(users)) == 2
    assert "StateDirectory" not in gateway
    hidden = {path.removeprefix("-") for path in gateway["InaccessiblePaths"][0].split()}
    assert hidden == {f"/var/lib/lightbox{name}" for name in ("", "-homes", "-tls", "-authority")}
    assert "lightbox-gateway.service" in server["Wants"][0].split()
    [of_gateway], [of_server] = gateway["ExecStart"], server["ExecStart"]
    assert of_gateway == of_server.replace(" serve ", " gateway "), "both read one configuration"
    assert "PrivateUsers" not in server, "the server has to know the gateway's user id"
    assert server["SocketBindDeny"] == ["any"], "only the gateway has a port"


def test_a_reload_is_no_restart() -> None:
    [command] = settings_of("lightbox.service")["ExecReload"]
    assert shlex.split(command)[1] == "reload"


def test_the_commands_of_the_units_start_a_server(tmp_path: Path) -> None:
    """First the certificate, then the server, as `After=` says; at last a reload."""
    state, tls = tmp_path / "state", tmp_path / "tls"
    config = tmp_path / "lightbox.toml"
    config.write_text(
        f'port = 0\nstate = "{state}"\nweb_client = "{make_web_client(tmp_path / "dist")}"\n'
        f'[tls]\ncertificate = "{tls}/server.crt"\nkey = "{tls}/server.key"\nroot = "{tls}/ca.crt"\n'
        '[[desktops]]\nname = "one"\nprofile = "blank"\nusers = ["*"]\n'
    )
    config.chmod(0o600)
    replaced = {
        INSTALLED: str(LIGHTBOX),
        "/etc/lightbox/lightbox.toml": str(config),
        "/var/lib/lightbox-authority": str(tmp_path / "authority"),
        "/var/lib/lightbox-tls": str(tls),
        "lightbox": grp.getgrgid(os.getegid()).gr_name,
    }

    def command(unit: str, setting: str = "ExecStart") -> list[str]:
        [line] = settings_of(unit)[setting]
        return [replaced.get(part, part) for part in shlex.split(line)]

    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}

    def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    issued = run(command("lightbox-certificate.service"))
    assert issued.returncode == 0, issued.stderr
    assert not (tls / "ca.key").exists()
    assert (tmp_path / "authority" / "ca.key").stat().st_mode & 0o777 == 0o600
    assert (tls / "server.key").stat().st_mode & 0o777 == 0o640
    server = subprocess.Popen(
        [*command("lightbox.service"), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["url"].startswith("https://")
        reloaded = run(command("lightbox.service", "ExecReload"))
        assert reloaded.returncode == 0, reloaded.stderr
        assert "nothing had changed" in reloaded.stdout
        for file in ("server.crt", "server.key"):
            (tls / file).unlink()
        renewed = run(command("lightbox-certificate.service"))
        assert renewed.returncode == 0, renewed.stderr
        assert "new connections get the new certificate" in renewed.stdout
        assert server.poll() is None
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=120)
    assert server.returncode == 0
