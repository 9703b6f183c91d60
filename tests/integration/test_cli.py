"""The command line, run as a program."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from display_server import __version__
from tests.fakes.gateway import PASSWORD, make_web_client


class Lightbox:
    """Runs `lightbox` with a state folder of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.state = tmp_path / "state"
        self.environment = {**os.environ, "LIGHTBOX_STATE": str(self.state)}

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "display_server.cli", *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def lightbox(tmp_path: Path) -> Lightbox:
    return Lightbox(tmp_path)


def test_adds_and_lists_accounts_and_changes_passwords(lightbox: Lightbox) -> None:
    added = lightbox("account", "add", "Kim", "--display-name", "김", stdin=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    listed = lightbox("account", "list", "--json")
    [account] = json.loads(listed.stdout)
    assert (account["username"], account["display_name"], account["disabled"]) == ("kim", "김", False)
    assert account["second_factors"] == {"app": False, "passkeys": 0, "recovery_codes": 0}
    assert PASSWORD not in added.stdout + added.stderr + listed.stdout
    assert lightbox("account", "passwd", "kim", stdin="another password\n").returncode == 0
    assert "no second factor" in lightbox("account", "list").stdout
    reset = lightbox("account", "reset-second-factor", "kim")
    assert reset.returncode == 0, reset.stderr
    assert "has been reset. The person is signed out of every browser." in reset.stderr
    assert lightbox("account", "sign-out", "kim").returncode == 0
    assert "second factor reset" in lightbox("account", "history", "kim").stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (("account", "add", "kim"), "short\n", "too short"),
        (("account", "add", "kim"), "password123\n", "easily guessed"),
        (("account", "reset-second-factor", "nobody"), "", "no account"),
        (("account", "add", "a b"), PASSWORD, "cannot be a username"),
        (("account", "passwd", "nobody"), PASSWORD, "no account"),
        (("demo", "--profile", "nonsense"), "", "radiology, office, blank"),
        (("demo", "--size", "huge"), "", "1920x1080"),
        (("demo", "--attach", "nonsense"), "", "for example :0"),
        (("demo", "--attach", ":98765"), "", "There is no X display"),
        (("serve", "--config", "/nonexistent.toml"), "", "cannot be read"),
        (("serve",), "", "deploy/lightbox.example.toml"),
        (("nonsense",), "", "No such command"),
        (("demo", "--port", "x"), "", "int"),
    ],
)
def test_usage_errors_name_the_problem(
    lightbox: Lightbox, arguments: tuple[str, ...], stdin: str, message: str
) -> None:
    answer = lightbox(*arguments, stdin=stdin)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def test_a_password_is_never_an_argument(lightbox: Lightbox) -> None:
    assert lightbox("account", "add", "kim", PASSWORD).returncode == 2
    assert "--password" not in lightbox("account", "add", "--help").stdout


def test_explains_that_the_web_client_is_not_built(lightbox: Lightbox, tmp_path: Path) -> None:
    lightbox.environment["LIGHTBOX_WEB_CLIENT"] = str(tmp_path)
    answer = lightbox("demo", "--port", "0", "--json")
    assert answer.returncode == 2
    assert "make setup" in answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr


def test_reports_a_port_in_use(lightbox: Lightbox, tmp_path: Path) -> None:
    lightbox.environment["LIGHTBOX_WEB_CLIENT"] = str(make_web_client(tmp_path / "dist"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = lightbox("demo", "--port", str(port), "--profile", "blank")
    assert answer.returncode == 2
    assert f"Port {port} on 127.0.0.1 is in use" in answer.stderr
    assert "--port" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_lists_no_sessions_without_a_server(lightbox: Lightbox) -> None:
    answer = lightbox("sessions", "--json")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, [])
    assert "No desktop" in lightbox("sessions").stdout


def test_doctor_says_what_is_missing_and_how_to_get_it(lightbox: Lightbox, tmp_path: Path) -> None:
    lightbox.environment["LIGHTBOX_WEB_CLIENT"] = str(tmp_path)
    answer = lightbox("doctor")
    assert answer.returncode == 1, answer.stderr
    assert "MISSING  web client" in answer.stdout
    assert "make setup" in answer.stdout
    findings = {finding["name"]: finding for finding in json.loads(lightbox("doctor", "--json").stdout)}
    assert findings["web client"]["ok"] is False
    assert findings["python"]["ok"] is True
    assert findings["Xvfb"]["packages"] == ["xvfb"]
    assert {"codec", "Xvfb", "/dev/shm", "state folder", "port"} <= findings.keys()


@pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
def test_doctor_starts_a_container_on_trial(lightbox: Lightbox) -> None:
    findings = {finding["name"]: finding for finding in json.loads(lightbox("doctor", "--json").stdout)}
    wanted = ("root", "container runtime", "init of containers", "user namespaces", "limits of desktops")
    assert all(findings[f"isolation: {name}"]["ok"] for name in wanted), findings
    assert findings["isolation: container on trial"]["found"] == "it runs"


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_refused_user_without_root_reads_what_to_type(
    lightbox: Lightbox, command: str, tmp_path: Path
) -> None:
    """Nothing starts without isolation unless somebody asks for it."""
    configuration = tmp_path / "lightbox.toml"
    configuration.write_text('[[desktops]]\nname = "one"\nprofile = "blank"\n')
    configuration.chmod(0o600)
    arguments = ["demo", "--port", "0"] if command == "demo" else ["serve", "--config", str(configuration)]
    program = "import os; os.geteuid = lambda: 1000; from display_server.cli import main; main()"
    lightbox.environment |= {
        "LIGHTBOX_ISOLATION_ENABLED": "true",
        "LIGHTBOX_WEB_CLIENT": str(make_web_client(tmp_path / "dist")),
    }
    answer = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=lightbox.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "isolation: root (user 1000)" in answer.stderr
    assert " ".join(arguments) in answer.stderr
    assert "--no-isolation" in answer.stderr


def test_without_isolation_the_demo_is_refused_to_other_computers(lightbox: Lightbox, tmp_path: Path) -> None:
    lightbox.environment["LIGHTBOX_WEB_CLIENT"] = str(make_web_client(tmp_path / "dist"))
    answer = lightbox("demo", "--no-isolation", "--host", "0.0.0.0", "--port", "0")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "one person on this computer" in answer.stderr


def test_doctor_reports_a_broken_codec_and_continues(lightbox: Lightbox, tmp_path: Path) -> None:
    (tmp_path / "display_codecs").mkdir()
    (tmp_path / "display_codecs" / "__init__.py").write_text("raise AttributeError('undefined symbol')")
    lightbox.environment["PYTHONPATH"] = str(tmp_path)
    findings = {finding["name"]: finding for finding in json.loads(lightbox("doctor", "--json").stdout)}
    assert findings["codec"]["ok"] is False
    assert "undefined symbol" in findings["codec"]["found"]
    assert {"state folder", "port"} <= findings.keys()


def test_help_does_not_import_heavy_modules() -> None:
    script = (
        "import sys, display_server.cli\n"
        "print([name for name in ('fastapi', 'sqlalchemy', 'numpy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_prints_its_version(lightbox: Lightbox) -> None:
    answer = lightbox("--version")
    assert (answer.returncode, answer.stdout) == (0, f"lightbox {__version__}\n")


def test_the_shell_completes_commands_and_options() -> None:
    """The script is that of `lightbox --install-completion`, in a real bash."""
    script = """
        eval "$(_LIGHTBOX_COMPLETE=source_bash lightbox)"
        ask() {
          COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
          _lightbox_completion lightbox
          echo "${COMPREPLY[*]}"
        }
        ask lightbox do
        ask lightbox account pas
        ask lightbox demo --pro
    """
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    answer = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert answer.stdout.split() == ["doctor", "passwd", "--profile"], answer.stderr


def test_serve_without_an_account_says_how_to_add_one(lightbox: Lightbox, tmp_path: Path) -> None:
    lightbox.environment["LIGHTBOX_WEB_CLIENT"] = str(make_web_client(tmp_path / "dist"))
    configuration = tmp_path / "my lightbox.toml"
    configuration.write_text('port = 0\n[[desktops]]\nname = "one"\nprofile = "blank"\nusers = ["kim"]\n')
    configuration.chmod(0o600)

    def messages_of_a_server() -> str:
        server = subprocess.Popen(
            [sys.executable, "-m", "display_server.cli", "serve", "--config", str(configuration), "--json"],
            env=lightbox.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        ready = server.stdout.readline()
        server.terminate()
        _, messages = server.communicate(timeout=120)
        assert ready, messages
        return messages

    messages = messages_of_a_server()
    assert "Nobody can sign in yet" in messages
    assert f"lightbox account add NAME --config '{configuration}'" in messages
    assert "Desktops are NOT ISOLATED" in messages, "tests start servers without isolation"
    added = lightbox("account", "add", "kim", "--config", str(configuration), stdin=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    assert "Nobody can sign in yet" not in messages_of_a_server()


def test_an_empty_list_of_accounts_says_how_to_add_one(lightbox: Lightbox) -> None:
    assert "lightbox account add NAME" in lightbox("account", "list").stdout


def test_a_state_folder_that_cannot_be_written_is_explained(lightbox: Lightbox) -> None:
    lightbox.environment["LIGHTBOX_STATE"] = "/proc/lightbox"
    answer = lightbox("account", "list")
    assert answer.returncode == 2
    assert "cannot be used" in answer.stderr
    assert "--state" in answer.stderr
    assert "Traceback" not in answer.stderr
