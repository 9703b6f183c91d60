from __future__ import annotations

from pathlib import Path

import pytest

from display_server.config import (
    Config,
    default_state_folder,
    default_web_client,
    load,
    parse_size,
    video_network_settings,
)
from display_server.desktop.video_settings import PortRange
from display_server.errors import ConfigurationError
from display_server.server.definitions import desktop_definitions

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "lightbox.example.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "lightbox.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_example_is_valid_and_shows_every_key() -> None:
    EXAMPLE.chmod(0o644)
    config = load(EXAMPLE, {})
    assert config.state == Path("/var/lib/lightbox")
    assert [desktop.name for desktop in config.desktops] == ["radiology", "office"]
    text = EXAMPLE.read_text()
    for key in Config.__struct_fields__:
        assert key in text


def test_defaults() -> None:
    config = load(None, {})
    assert (config.host, config.port) == ("127.0.0.1", 8443)


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'state = "s"\n[tls]\ncertificate = "c.pem"\nkey = "/k.pem"\n')
    config = load(path, {})
    assert config.state == tmp_path / "s"
    assert config.tls.certificate == tmp_path / "c.pem"
    assert config.tls.key == Path("/k.pem")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "port = 1\n[sign_in]\nidle_minutes = 5\n")
    environment = {
        "LIGHTBOX_PORT": "9000",
        "LIGHTBOX_NAMES": "a.example, b.example",
        "LIGHTBOX_SIGN_IN_IDLE_MINUTES": "7.5",
        "LIGHTBOX_STATE": "/s",
        "HOME": "/h",
    }
    config = load(path, environment)
    assert config.port == 9000
    assert config.names == ["a.example", "b.example"]
    assert config.sign_in.idle_minutes == 7.5
    assert config.state == Path("/s")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "Did you mean `port`"),
        ("[tls]\ncertificat = 'x'", "`tls.certificat`.*\n.*`certificate`"),
        ("[[desktops]]\nname='a'\nprofil='b'", r"`desktops\[0\].profil`.*\n.*`profile`"),
        ("port = 'x'", "`port` must be a whole number, not text\\."),
        ("port = 70000", "from 0 to 65535"),
        ("[limits]\nviewers_per_person = 0", "`limits.viewers_per_person` is too small"),
        ("[limits]\nconnections = 2501", "at most 2500"),
        ("[limits]\nconnections = 100\nreserved_connections = 90", "at least 16 less"),
        ("[tls]\ncertificate = 'x'", "belong together"),
        ("[sign_in]\nidle_minutes = 0", "more than 0"),
        ("[[desktops]]\nname='A B'\nprofile='blank'", "cannot be a desktop's name"),
        ("[[desktops]]\nname='a'\nprofile='b'\n[[desktops]]\nname='a'\nprofile='b'", "two desktops"),
        ("[[desktops]]\nname='a'\nprofile='b'\nsize='big'", "is not a size"),
        ("[[desktops]]\nname='a'", r"`desktops\[0\]` lacks the key `profile`\."),
        ("nonsense", "not valid TOML"),
        ("tls = 3", "`tls` must be a table, not a whole number"),
    ],
)
def test_errors_name_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(write(tmp_path, text), {})


def test_rejects_missing_and_unsafe_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none", {})
    path = write(tmp_path, "")
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="chmod go-w"):
        load(path, {})


@pytest.mark.parametrize("patience", ["0.5", "101", "nan"])
def test_rejects_a_patience_out_of_range(patience: str) -> None:
    with pytest.raises(ConfigurationError, match="patience"):
        load(None, {"LIGHTBOX_PATIENCE": patience})


def test_reports_misspelt_variables() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean `LIGHTBOX_PORT`"):
        load(None, {"LIGHTBOX_PROT": "1"})
    load(None, {"LIGHTBOX_SOMETHING_ELSE": "1", "LIGHTBOX_SESSION": "bcd"})
    with pytest.raises(ConfigurationError, match="must be a number"):
        load(None, {"LIGHTBOX_PORT": "x"})


@pytest.mark.parametrize("size", ["", "1920", "0x0", "1920x", "99999x99999", "1920x1080x24", "-1x5"])
def test_rejects_invalid_sizes(size: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_size(size)


def test_desktop_definitions_take_their_defaults(tmp_path: Path) -> None:
    assert parse_size(" 3840X2160 ") == (3840, 2160)
    path = write(tmp_path, "[[desktops]]\nname='a'\nprofile='blank'\nusers=['KIM','*']\n")
    [definition] = desktop_definitions(load(path, {}))
    assert (definition.title, definition.usernames, definition.width_px) == ("", ("kim", "*"), 1920)
    assert not definition.fixed
    path = write(tmp_path, "[[desktops]]\nname='a'\nprofile='blank'\nsize='800x600'\n")
    [definition] = desktop_definitions(load(path, {}))
    assert (definition.width_px, definition.height_px, definition.fixed) == (800, 600, True)


def test_monitors_may_have_their_own_policies(tmp_path: Path) -> None:
    desktop = "[[desktops]]\nname='a'\nprofile='blank'\nvideo='adaptive'\n"
    path = write(tmp_path, desktop + "video_monitors = { 0 = 'exact', 5 = 'economy' }\n")
    [definition] = desktop_definitions(load(path, {}))
    assert (definition.video, definition.video_monitors) == ("adaptive", {0: "exact", 5: "economy"})
    for wrong, message in (
        ("{ 6 = 'exact' }", "'6' is no monitor: write its number, 0 to 5"),
        ("{ first = 'exact' }", "'first' is no monitor"),
        ("{ 00 = 'exact' }", "'00' is no monitor"),
        ("{ 0 = 'lossless' }", "video_monitors"),
        ("['exact']", "video_monitors"),
    ):
        path = write(tmp_path, f"{desktop}video_monitors = {wrong}\n")
        with pytest.raises(ConfigurationError, match=message):
            load(path, {})


def test_desktops_reach_what_they_or_their_profiles_list(tmp_path: Path) -> None:
    desktop = "[[desktops]]\nname='a'\nprofile='blank'\n"
    [definition] = desktop_definitions(load(write(tmp_path, desktop), {}))
    assert definition.network == ()
    path = write(tmp_path, desktop + "network = ['10.2.0.5:104', 'emr.example:443']\n")
    [definition] = desktop_definitions(load(path, {}))
    assert definition.network == ("10.2.0.5:104", "emr.example:443")
    for wrong, message in (
        ("['10.2.0.5']", r"desktop 'a': `network`: '10.2.0.5' is not a destination with a port"),
        ("['10.2.0.5:0']", "ports are from 1 to 65535"),
        ("['100.127.0.9:80']", "belongs to desktops, which never reach each other"),
        ("'10.2.0.5:104'", "network` must be a list"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            load(write(tmp_path, f"{desktop}network = {wrong}\n"), {})


@pytest.mark.parametrize(
    ("value", "message"),
    [("10.0.0.1/8", "host bits"), ("8.8.0.0/16", "addresses of other hosts in the Internet"), ("x", "x")],
)
def test_addresses_of_desktops_are_private(tmp_path: Path, value: str, message: str) -> None:
    assert load(write(tmp_path, "[isolation]\nnetwork_range = '10.99.0.0/16'\n"), {})
    with pytest.raises(ConfigurationError, match=message):
        load(write(tmp_path, f"[isolation]\nnetwork_range = '{value}'\n"), {})


def test_video_has_a_range_of_ports(tmp_path: Path) -> None:
    assert len(video_network_settings(load(None, {})).ports) == 1000
    path = write(tmp_path, "[video]\nports = '40000-40099'\naddresses = ['192.0.2.7']\n")
    settings = video_network_settings(load(path, {}))
    assert (settings.addresses, settings.ports) == (["192.0.2.7"], PortRange(40000, 40099))
    assert video_network_settings(load(path, {"LIGHTBOX_VIDEO_PORTS": "2000-2000"})).ports == PortRange(
        2000, 2000
    )


@pytest.mark.parametrize(
    "ports", ["", "40000", "40000-", "40099-40000", "1000-2000", "60000-70000", "a-b", "1-2-3", "-1-5000"]
)
def test_rejects_what_is_no_range_of_ports(tmp_path: Path, ports: str) -> None:
    path = write(tmp_path, f"[video]\nports = '{ports}'\n")
    with pytest.raises(
        ConfigurationError, match=r"`video.ports`: .* is no range of ports: write FIRST-LAST"
    ) as raised:
        load(path, {})
    assert "firewall" in raised.value.hint


def test_the_state_folder_follows_the_environment() -> None:
    assert default_state_folder({"LIGHTBOX_STATE": "/a", "XDG_STATE_HOME": "/b"}) == Path("/a")
    assert default_state_folder({"XDG_STATE_HOME": "/b"}) == Path("/b/lightbox")
    assert default_state_folder({}).parts[-3:] == (".local", "state", "lightbox")


def test_an_installed_wheel_has_the_web_client_inside(tmp_path: Path) -> None:
    package = tmp_path / "display_server"
    assert default_web_client(package) == tmp_path / "clients" / "web" / "dist"
    (package / "web_client").mkdir(parents=True)
    assert default_web_client(package) == package / "web_client"


def test_the_web_client_of_a_checkout_is_the_one_that_setup_builds() -> None:
    assert default_web_client() == EXAMPLE.parents[1] / "clients" / "web" / "dist"


def test_a_database_of_postgresql_is_named_by_its_address(tmp_path: Path) -> None:
    url = "postgresql://lightbox@db/lightbox?sslmode=verify-full"
    text = f'[database]\nurl = "{url}"\npassword_file = "secret"\n'
    database = load(write(tmp_path, text), {}).database
    assert database.url == url
    assert database.password_file == tmp_path / "secret"
    assert (
        load(None, {"LIGHTBOX_DATABASE_URL": "postgres:///lightbox"}).database.url == "postgres:///lightbox"
    )
    assert load(None, {}).database.url is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('url = "postgresql://lightbox:secret@db/lightbox"', "must not contain a password"),
        ('url = "postgresql://db/lightbox?password=secret"', "must not contain a password"),
        ('url = "mysql://db/lightbox"', "not the address of a PostgreSQL database"),
        ('url = "postgresql://db"', "not the address of a PostgreSQL database"),
        ('url = "postgresql://[db/lightbox"', "not the address of a PostgreSQL database"),
        ('password_file = "secret"', "needs `database.url`"),
    ],
)
def test_refuses_a_wrong_address_of_a_database(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        load(write(tmp_path, f"[database]\n{text}\n"), {})
    assert ":secret" not in str(caught.value)
    assert caught.value.hint
