"""The shipped profiles, and the errors of invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.desktop.profiles import profile, studies
from display_server.errors import ConfigurationError, DesktopError

TITLE = 'title = { en = "A", ko = "가" }\n'
BROWSER = '[browser]\nprogram = "x"\nhome_page = "https://portal.example/"\n'
PROGRAM = '[[programs]]\nname = "x"\ncommand = ["xterm"]\npackage = "xterm"\n'


def test_shipped_profiles_are_valid() -> None:
    assert profile.names() == ["blank", "browser", "check", "office", "radiology"]
    for name in profile.names():
        profile.load(name)
    assert profile.load("blank").programs == []
    commands = [program.command[0] for program in profile.load("radiology").programs]
    assert {"openbox", "tint2", "pcmanfm", "lxterminal", "{python}"} <= set(commands)


@pytest.mark.parametrize("name", ["nothing", "../radiology", ""])
def test_an_unknown_profile_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Choose one of: blank, browser, check, office, radiology"):
        profile.load(name)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("title = {", "Invalid|Unclosed|unterminated|Expected"),
        ('title = { en = "A" }', "both en and ko"),
        (TITLE + "colour = 3", "colour"),
        (TITLE + "studies = 3", "studies"),
        (TITLE + PROGRAM.replace('["xterm"]', "[]"), "has no command"),
        (TITLE + PROGRAM + PROGRAM, "two programs"),
        (TITLE + PROGRAM + 'restart = "sometimes"', "restart"),
        (
            TITLE
            + PROGRAM
            + "window_manager = true\n"
            + PROGRAM.replace('"x"', '"y"')
            + "window_manager = true",
            "only one window manager",
        ),
        (TITLE + PROGRAM + "window_manager = true\non_demand = true", "cannot be started on demand"),
        (TITLE + PROGRAM + 'window = { class = "X" }', "either place or maximised"),
        (
            TITLE + PROGRAM + 'window = { class = "X", maximised = true, place = [0, 0, 1, 1] }',
            "either place",
        ),
        (TITLE + PROGRAM + 'window = { class = "X", place = [0.5, 0, 0.6, 1] }', "not inside the work area"),
        (TITLE + PROGRAM + 'window = { class = "X", place = [0, 0, 0, 1] }', "not inside the work area"),
        (
            TITLE + PROGRAM + 'window = { class = "X", maximised = true, upright = [0, 0, 1, 1] }',
            "upright without place",
        ),
        (
            TITLE + PROGRAM + 'window = { class = "X", place = [0, 0, 1, 1], upright = [0, 0.5, 1, 0.6] }',
            "not inside the work area",
        ),
        (TITLE + PROGRAM + 'text_size_signal = "SIGKILL"', "text_size_signal"),
        (TITLE + 'network = ["10.2.0.5"]', "network: .*not a destination with a port"),
        (TITLE + 'folders = ["../outside"]', "not inside the home"),
        (TITLE + 'settings = "nowhere.toml"', "nowhere.toml"),
        (TITLE + "nested_namespaces = true\n" + PROGRAM, "need each other"),
        (TITLE + BROWSER + PROGRAM, "need each other"),
        (TITLE + "nested_namespaces = true\n" + BROWSER + PROGRAM, "is not the name of a program"),
        (TITLE + "nested_namespaces = true\n" + BROWSER.replace('"x"', '"y"') + PROGRAM, "is not the name"),
        (TITLE + BROWSER.replace("https", "javascript"), "home_page"),
        (TITLE + BROWSER.replace("portal", 'portal\\"'), "home_page"),
        (TITLE + PROGRAM.replace('"]', '", "--no-sandbox"]', 1), "never does"),
        (TITLE + PROGRAM + 'environment = { MOZ_DISABLE_CONTENT_SANDBOX = "1" }', "never does"),
    ],
)
def test_an_invalid_profile_is_refused(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=error):
        profile.load("wrong", tmp_path)


@pytest.mark.parametrize(
    ("target", "error"), [("/etc/passwd", "not inside"), ("../x", "not inside"), ("fine", "no file 'gone'")]
)
def test_invalid_settings_are_refused(tmp_path: Path, target: str, error: str) -> None:
    (tmp_path / "wrong.toml").write_text(TITLE + 'settings = "home.toml"')
    (tmp_path / "home.toml").write_text(f'[[files]]\nsource = "gone"\ntarget = "{target}"\n')
    with pytest.raises(ConfigurationError, match=error):
        profile.load("wrong", tmp_path)


def test_expand_command_replaces_placeholders_and_patterns(tmp_path: Path) -> None:
    for name in ("b 1.dcm", "a.dcm", "c.txt"):
        (tmp_path / name).touch()
    command = profile.expand_command(["{settings}/x", "{home}/*.dcm", "{home}/*.none", "*"], tmp_path)
    assert command == [f"{profile.PROFILES_FOLDER}/x", f"{tmp_path}/a.dcm", f"{tmp_path}/b 1.dcm", "*"]


def test_sizes_in_settings_follow_the_text_size(tmp_path: Path) -> None:
    text = "panel_size = 100% {scaled:40} {home}"
    assert profile.substitute(text, tmp_path) == f"panel_size = 100% 40 {tmp_path}"
    assert profile.substitute(text, tmp_path, 175) == f"panel_size = 100% 70 {tmp_path}"
    paddings = [profile.substitute("{scaled:5:24}", tmp_path, percent) for percent in (100, 150, 200, 300)]
    assert paddings == ["5", "14", "24", "43"]


@pytest.mark.parametrize(("percent", "side_px"), [(100, 8), (125, 16), (200, 24), (300, 32)])
def test_glyphs_of_title_bars_follow_the_text_size(tmp_path: Path, percent: int, side_px: int) -> None:
    text = profile.substitute("{glyph:iconify}", tmp_path, percent)
    assert text.startswith(f"#define iconify_width {side_px}\n#define iconify_height {side_px}\n")
    data = [int(number, 16) for number in text[text.index("{") + 1 : text.index("}")].split(",")]
    factor, row_bytes = side_px // 8, side_px // 8
    filled = range(5 * factor * row_bytes, 7 * factor * row_bytes)
    assert data == [255 if number in filled else 0 for number in range(side_px * row_bytes)]


def test_the_panel_reads_no_closed_pipe() -> None:
    """tint2 reads a pipe of its programs that was closed again and again, at the cost of a core."""
    lines = (profile.PROFILES_FOLDER / "settings" / "tint2rc").read_text("utf-8").splitlines()
    commands = [line for line in lines if line.startswith("execp_command")]
    assert commands
    assert not [command for command in commands if ">" in command]


@pytest.mark.parametrize("name", ["office", "radiology"])
def test_shipped_profiles_place_their_windows(name: str) -> None:
    loaded = profile.load(name)
    rules = {rule.window_class: rule.place for rule in profile.window_rules(loaded)}
    assert {"Pcmanfm", "Lxterminal"} <= rules.keys()
    assert (None in rules.values()) is (name == "radiology"), "the DICOM viewer is maximised"


def test_the_radiology_desktop_starts_with_its_viewer_alone() -> None:
    programs = profile.load("radiology").programs
    windows = [p.window.window_class for p in programs if p.window is not None and not p.on_demand]
    assert windows == ["Lightbox-dicom-viewer"]
    on_demand = {
        rule.window_class for rule in profile.window_rules(profile.load("radiology")) if rule.on_demand
    }
    assert on_demand == {"Pcmanfm", "Mousepad", "Lxterminal"}


def test_what_the_panel_starts_has_an_icon(tmp_path: Path) -> None:
    """Icon themes differ between releases of Debian, so that the icons are files of the profiles."""
    targets = {file.target: file.source for file in profile.home_files(profile.load("radiology"))}
    panel = profile.substitute((profile.PROFILES_FOLDER / "settings/tint2rc").read_text("utf-8"), tmp_path)
    launchers = [line.split(" = ")[1] for line in panel.splitlines() if line.startswith("launcher_item_app")]
    assert len(launchers) == 4
    for launcher in launchers:
        source = profile.PROFILES_FOLDER / targets[str(Path(launcher).relative_to(tmp_path))]
        text = profile.substitute(source.read_text("utf-8"), tmp_path)
        icon = next(line for line in text.splitlines() if line.startswith("Icon="))
        assert Path(icon.removeprefix("Icon=")).read_text("utf-8").startswith("<svg")


def test_studies_do_not_replace_existing_files(tmp_path: Path) -> None:
    folder = studies.copy_studies(tmp_path)
    files = sorted(folder.glob("*/*.dcm"))
    assert len(files) == len(studies.STUDIES)
    files[0].write_bytes(b"changed by a person")
    studies.copy_studies(tmp_path)
    assert files[0].read_bytes() == b"changed by a person"


def test_a_missing_package_of_studies_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(DesktopError, match="pip install pydicom-data"):
        studies.source_folder()
