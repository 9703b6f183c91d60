"""`lightbox demo` and `lightbox serve`: run the server until it is interrupted."""

from __future__ import annotations

import functools
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.config import Config
    from display_server.server.demo import Demo
    from display_server.server.ready import Ready


IsolationOption = Annotated[
    bool | None,
    typer.Option(
        "--isolation/--no-isolation",
        help="Run each desktop in a container of its own, as users of its own. This is the default and needs "
        "root. Without it, one person at a time can use desktops, on this computer alone.",
        show_default=False,
    ),
]


def demo(
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address to listen on. 0.0.0.0 allows access from the network."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="Port to listen on. 0 selects a free port.")] = 8443,
    profile: Annotated[str, typer.Option(metavar="NAME", help="Desktop to start in advance.")] = "radiology",
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Fixed size of the desktops, in pixels. Default: the desktop follows the browser window.",
        ),
    ] = None,
    attach: Annotated[
        str | None,
        typer.Option(metavar=":N", help="Also show this X display, which already runs, as a desktop."),
    ] = None,
    video: Annotated[
        str,
        typer.Option(
            metavar="POLICY[,N=POLICY…]",
            help="Video policy: adaptive (video when tiles are too slow), exact (never video) or economy "
            "(video for everything that moves). N=POLICY sets another policy for monitor N.",
        ),
    ] = "adaptive",
    share: Annotated[
        bool, typer.Option(help="Let several devices of a person show a desktop at the same time.")
    ] = False,
    isolation: IsolationOption = None,
    copy_out: Annotated[
        bool,
        typer.Option(
            help="Let what is copied on a desktop reach the device, on the radiology desktop as well, "
            "which lets nothing out by default."
        ),
    ] = False,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Run a server with a demo account and its own certificate."""
    from display_server.config import load
    from display_server.server.demo import DemoOptions, demo_config

    options = DemoOptions(
        host=host,
        port=port,
        profile=profile,
        size=size,
        attach=attach,
        video=video,
        share=share,
        copy_out=copy_out,
    )
    config, additions = demo_config(load(None, os.environ), options, state=state)
    _run(_with_isolation(config, isolation), demo=additions, json_output=json_output)


def serve(
    config: ConfigOption = None, isolation: IsolationOption = None, json_output: JsonOption = False
) -> None:
    """Run the server as a configuration file describes it."""
    from display_server.config import load

    if config is None:
        raise ConfigurationError(
            "`lightbox serve` needs a configuration file.",
            hint="Name it with --config FILE; deploy/lightbox.example.toml is an example. "
            "`lightbox demo` needs none.",
        )
    loaded = _with_isolation(load(config, os.environ), isolation)
    require_desktops(loaded, config)
    read = functools.partial(read_again, config, isolation)
    _run(loaded, demo=None, json_output=json_output, config_file=config, read_config=read)


def read_again(config: Path, isolation: bool | None = None) -> Config:
    """Reads the configuration of a running server again. Raises ConfigurationError."""
    from display_server.config import load

    loaded = _with_isolation(load(config, os.environ), isolation)
    require_desktops(loaded, config)
    return loaded


def require_desktops(loaded: Config, config: Path) -> None:
    """Raises ConfigurationError when the configuration has no desktop."""
    if not loaded.desktops:
        raise ConfigurationError(
            f"{config} defines no desktops.",
            hint="Add a [[desktops]] section. deploy/lightbox.example.toml has examples.",
        )


def _run(
    config: Config,
    *,
    demo: Demo | None,
    json_output: bool,
    config_file: Path | None = None,
    read_config: Callable[[], Config] | None = None,
) -> None:
    from display_server.server import doctor
    from display_server.server import serve as server
    from display_server.server.isolation_rules import banner
    from display_server.telemetry.logs import configure_logs

    configure_logs("server")
    doctor.require_mandatory(config, _own_command())

    def on_ready(ready: Ready) -> None:
        print(_as_json(ready) if json_output else _as_text(ready), flush=True)
        if warning := banner(config):
            print(f"{warning}\n", file=sys.stderr, flush=True)
        if ready.accounts == 0:
            print(_how_to_add_an_account(config_file), file=sys.stderr, flush=True)

    server.serve(config, on_ready, demo=demo, read_config=read_config)


def _own_command() -> str:
    """Returns what the person started, with a path that is valid for other users and in other folders."""
    program = Path(sys.argv[0]).absolute()
    words = [str(program)] if os.access(program, os.X_OK) else [sys.executable, "-m", "display_server.cli"]
    return shlex.join([*words, *sys.argv[1:]])


def _with_isolation(config: Config, isolation: bool | None) -> Config:
    """Returns the configuration with what the command line says about isolation; None says nothing."""
    if isolation is None:
        return config
    import msgspec

    return msgspec.structs.replace(
        config, isolation=msgspec.structs.replace(config.isolation, enabled=isolation)
    )


def _how_to_add_an_account(config_file: Path | None) -> str:
    option = f" --config {shlex.quote(str(config_file))}" if config_file else ""
    return (
        "Nobody can sign in yet, because there is no account. Add one in another terminal:\n"
        f"  lightbox account add NAME{option}\n"
        "and name it in `users` of the desktops that this person may open."
    )


def _as_json(ready: Ready) -> str:
    fields = {"url": ready.url}
    if ready.username is not None and ready.password is not None:
        fields |= {"username": ready.username, "password": ready.password}
    return json.dumps(fields)


def _as_text(ready: Ready) -> str:
    ending = " and its desktops" if ready.username is not None else ""
    lines = ["", f"Lightbox is running. Press Ctrl-C to stop it{ending}.", f"  open      {ready.url}"]
    lines += [f"            {url}" for url in ready.other_urls]
    if ready.username is not None:
        lines += [f"  user      {ready.username}", f"  password  {ready.password}"]
    if ready.root_sha256 is not None:
        server = ready.other_urls[0] if ready.other_urls else ready.url
        lines += [
            f"  root certificate  {server}/ca.crt",
            f"    SHA-256 {ready.root_sha256}",
            "    Browsers warn until this certificate is installed. Install it once on each device, after",
            "    comparing the fingerprint. iPad: open the address in Safari, then go to Settings > Profile",
            "    Downloaded > Install, and to General > About > Certificate Trust Settings. Other devices:",
            "    open the file and add it to the trusted root authorities.",
        ]
    return "\n".join([*lines, ""])
