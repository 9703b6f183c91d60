"""`lightbox certificate`: the server's certificate, from the local authority or from the hospital's own."""

from __future__ import annotations

import datetime
import grp
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import EXIT_USAGE, ConfigOption, JsonOption, StateOption
from display_server.cli.reload import reload as reload_servers
from display_server.cli.reload import running_servers
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from display_server.config import Config

NameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="A host name or address of the certificate; may be repeated. Default: the configured ones.",
    ),
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option("--authority", metavar="DIR", help="The folder of the authority's key. Default: --folder."),
]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="The folder of the certificate. Default: `tls` in the state folder."
    ),
]

app = typer.Typer(help="Manage the server's certificate.", no_args_is_help=True)


@app.command()
def request(
    key: Annotated[Path, typer.Option(metavar="FILE", help="The new key is written here (mode 0600).")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The request (CSR) is written here.")],
    name: NameOption = None,
    organisation: Annotated[str, typer.Option(metavar="TEXT", help="The organisation in the request.")] = "",
    config: ConfigOption = None,
) -> None:
    """Create a key and a certificate signing request, for an authority of the hospital."""
    from display_server.gateway.certificate_request import create_request
    from display_server.gateway.hosts import check_name

    names = list(dict.fromkeys(given.lower() for given in name or _configured_names(_load(config))))
    if not names:
        raise ConfigurationError(
            "The request needs at least one name.",
            hint="Give --name lightbox.hospital.example, or --config with a file that has `names`.",
        )
    for each in names:
        check_name(each)
    key_pem, request_pem = create_request(names, organisation=organisation)
    _write_new(key, key_pem, 0o600)
    _write_new(out, request_pem, 0o644)
    print(
        f"Send {out} to your authority. Then set in the configuration, and run `lightbox reload`:\n"
        '[tls]\ncertificate = "…"  # its answer, followed by the intermediate certificates\n'
        f'key = "{key.absolute()}"',
        file=sys.stderr,
    )


@app.command()
def issue(
    folder: FolderOption = None,
    authority: AuthorityOption = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="This Unix group may read the certificate's key.")
    ] = None,
    name: NameOption = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Reload the running servers if the certificate is a new one.")
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Issue or renew the certificate of the local authority, if it is due.

    With --authority the authority's key stays in a folder that the server's user cannot read.
    """
    from display_server.authority.issue import issue as issue_certificate
    from display_server.gateway.local_certificate import CERTIFICATE_FILE
    from display_server.telemetry.logs import configure_logs

    configure_logs("authority")
    loaded = _load(config)
    target = _folder(folder, state, loaded)
    os.umask(0o077)
    before = _bytes_of(target / CERTIFICATE_FILE)
    issued = issue_certificate(
        target,
        name or _all_names(loaded),
        datetime.datetime.now(datetime.UTC),
        authority=authority,
        group=_group_id(group) if group else None,
    )
    print(f"{issued.certificate}\nroot certificate SHA-256 {issued.root_sha256}")
    if reload and _bytes_of(issued.certificate) != before and running_servers(state, config):
        reload_servers(state=state, config=config)


@app.command("new-authority")
def new_authority(
    folder: FolderOption = None,
    authority: AuthorityOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    name: NameOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Replace the local authority. Every device then has to install the new root certificate."""
    from display_server.authority.issue import replace_authority
    from display_server.telemetry.logs import configure_logs

    configure_logs("authority")
    loaded = _load(config)
    target = authority or _folder(folder, state, loaded)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("Nobody can be asked here.", hint="Add --yes if you are sure.")
        answer = input("Every device will have to install a new root certificate. Continue? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            print("Nothing was changed.", file=sys.stderr)
            sys.exit(EXIT_USAGE)
    os.umask(0o077)
    sha256 = replace_authority(target, name or _all_names(loaded), datetime.datetime.now(datetime.UTC))
    print(
        f"root certificate SHA-256 {sha256}\n"
        "A running server uses the new authority after `lightbox reload`. Where a timer runs `lightbox "
        "certificate issue`, run that first."
    )


@app.command()
def show(
    folder: FolderOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show the certificate that the server uses: its names and how long it is valid."""
    from cryptography import x509

    from display_server.gateway.certificate import alternative_names
    from display_server.gateway.local_certificate import CERTIFICATE_FILE, fingerprint

    loaded = _load(config)
    path = loaded.tls.certificate or _folder(folder, state, loaded) / CERTIFICATE_FILE
    try:
        leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is not a PEM certificate.", hint="`lightbox certificate issue` writes a new one."
        ) from error
    days = (leaf.not_valid_after_utc - datetime.datetime.now(datetime.UTC)).days
    facts = {
        "certificate": str(path),
        "names": alternative_names(leaf),
        "issuer": leaf.issuer.rfc4514_string(),
        "expires": leaf.not_valid_after_utc.isoformat(),
        "days": days,
        "sha256": fingerprint(leaf),
    }
    if json_output:
        print(json.dumps(facts))
        return
    for label, fact in facts.items():
        print(f"{label:<12} {', '.join(fact) if isinstance(fact, list) else fact}")


def _load(config: Path | None) -> Config:
    from display_server.config import load

    return load(config, os.environ)


def _folder(folder: Path | None, state: Path | None, config: Config) -> Path:
    from display_server.broker.folders import StateFolder

    return folder or StateFolder((state or config.state).expanduser().absolute()).tls


def _configured_names(config: Config) -> list[str]:
    from display_server.gateway.proxies import PublicAddress

    public = PublicAddress.parse(config.public_url) if config.public_url else None
    return [*config.names, *([public.host] if public else [])]


def _all_names(config: Config) -> list[str]:
    from display_server.gateway.hosts import names_in_use

    return names_in_use(config.host, _configured_names(config))


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigurationError(
            f"There is no group {name!r} on this host.", hint="Name the group of the server's user."
        ) from None


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Writes a file that must not exist. Raises ConfigurationError if it does, and OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} exists already and is not overwritten.", hint="Name another file, or move this one away."
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
