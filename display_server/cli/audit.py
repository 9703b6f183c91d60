"""`lightbox audit`: reads, verifies, exports and purges the audit."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import sys
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from display_server.cli.options import EXIT_FAILED, ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from display_server.broker.audit.chain import Row
    from display_server.broker.audit.keeping import Destinations
    from display_server.broker.audit.reading import Filter
    from display_server.broker.audit.statements import Statement
    from display_server.broker.audit.verification import Report
    from display_server.broker.store import Store
    from display_server.config import AuditConfig

#: Entries that are listed unless a number is given.
LISTED = 50

LimitOption = Annotated[
    int, typer.Option("--limit", min=1, help="How many entries to list, the newest first.")
]
AccountOption = Annotated[str | None, typer.Option("--account", metavar="NAME", help="Only this account.")]
ActionOption = Annotated[
    str | None, typer.Option("--action", metavar="ACT", help="Only this act, for example sign-in.")
]
OutcomeOption = Annotated[
    str | None, typer.Option("--outcome", metavar="RESULT", help="Only done, refused or failed.")
]
AddressOption = Annotated[
    str | None, typer.Option("--address", metavar="IP", help="Only from this network address.")
]
ObjectOption = Annotated[
    str | None,
    typer.Option("--object", metavar="TEXT", help="Only objects that begin so, for example desktop:kim/."),
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Only since this local time, as 2026-12-31 or ISO 8601."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only before this local time.")
]

app = typer.Typer(help="Read, verify, export and purge the audit.", no_args_is_help=True)


class ExportFormat(Enum):
    """In which form entries are exported."""

    JSON = "json"
    SYSLOG = "syslog"


@app.command("list")
def list_entries(
    limit: LimitOption = LISTED,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the newest entries."""
    from display_server.broker.audit.reading import Filter

    _print_newest(Filter(), limit, state, config, json_output)


@app.command()
def search(
    account: AccountOption = None,
    action: ActionOption = None,
    outcome: OutcomeOption = None,
    address: AddressOption = None,
    object_prefix: ObjectOption = None,
    from_time: FromOption = None,
    until_time: UntilOption = None,
    limit: LimitOption = LISTED,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the newest entries that fulfil all the options."""
    wanted = _filter(account, action, outcome, address, object_prefix, from_time, until_time)
    _print_newest(wanted, limit, state, config, json_output)


@app.command()
def export(
    export_format: Annotated[
        ExportFormat, typer.Option("--format", help="JSON Lines, or syslog (RFC 5424).")
    ] = (ExportFormat.JSON),
    account: AccountOption = None,
    action: ActionOption = None,
    outcome: OutcomeOption = None,
    address: AddressOption = None,
    object_prefix: ObjectOption = None,
    from_time: FromOption = None,
    until_time: UntilOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Write all entries, or those that fulfil the options, to standard output, the oldest first."""
    from display_server.broker.audit.export import json_line, syslog_line
    from display_server.broker.audit.reading import every

    wanted = _filter(account, action, outcome, address, object_prefix, from_time, until_time)
    line_of = json_line if export_format is ExportFormat.JSON else syslog_line

    async def write(store: Store) -> None:
        async for row in every(store, wanted):
            print(line_of(row))

    with_store(state_folder(state, config), write, config)


@app.command()
def verify(
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoints",
            metavar="FILE",
            help="Checkpoints that left the host: that file, or a log of the syslog server. May be repeated. "
            "Default: the file of the configuration.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="The public key, as `audit checkpoint --public-key` printed it."
        ),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Find entries that were altered, removed, swapped or inserted. The exit code is 1 if there are any."""
    from display_server.broker.audit import keeping, verification
    from display_server.broker.audit.key import open_key, read_public_key
    from display_server.broker.folders import StateFolder

    folder = StateFolder(state_folder(state, config).expanduser().absolute())
    files = checkpoints or [
        file for file in (_audit_config(config).checkpoint_file,) if file is not None and file.exists()
    ]
    outside = [given for file in files for given in keeping.read_statements_of(file)]
    public = None
    if key is not None:
        public = read_public_key(key)
    elif folder.audit_key.exists():
        public = open_key(folder.audit_key).public_key()
    reports: list[Report] = []

    async def examine(store: Store) -> None:
        reports.append(await keeping.verify(store, public, outside))

    with_store(folder.path, examine, config)
    report = reports[0]
    if json_output:
        print(json.dumps(_report_as_dict(report)))
    else:
        for line in verification.describe(report):
            print(line)
    if not report.intact:
        sys.exit(EXIT_FAILED)


@app.command()
def checkpoint(
    public_key: Annotated[
        bool,
        typer.Option("--public-key", help="Print the public key instead, to keep it outside of the host."),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Sign the end of the chain now, print the checkpoint, and send it where the configuration says."""
    from display_server.broker.audit.keeping import make_checkpoint
    from display_server.broker.audit.key import open_key, public_pem
    from display_server.broker.folders import StateFolder

    folder = StateFolder.open(state_folder(state, config))
    signing_key = open_key(folder.audit_key)
    if public_key:
        print(public_pem(signing_key.public_key()).decode(), end="")
        return
    made: list[Statement | None] = []

    async def make(store: Store) -> None:
        made.append(await make_checkpoint(store, signing_key, time.time_ns() // 1000, again=True))

    with_store(folder.path, make, config)
    _send(made[0], _destinations(config), "Nothing was recorded yet.", json_output)


@app.command()
def purge(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Delete the entries that are older than `audit.retention_years`, and leave a signed record of it."""
    from display_server.broker.audit import keeping
    from display_server.broker.audit.key import open_key
    from display_server.broker.folders import StateFolder

    years = _audit_config(config).retention_years
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("Deleting entries has to be confirmed.", hint="Add --yes.")
        if input(f"Delete all entries older than {years} years? Type yes: ").strip() != "yes":
            raise ConfigurationError("Nothing was deleted.", hint="To delete them, type yes.")
    folder = StateFolder.open(state_folder(state, config))
    signing_key = open_key(folder.audit_key)
    made: list[Statement | None] = []

    async def delete(store: Store) -> None:
        now_us = time.time_ns() // 1000
        made.append(
            await keeping.purge(
                store, signing_key, now_us=now_us, retention_years=years, operator=operator_name()
            )
        )

    with_store(folder.path, delete, config)
    _send(made[0], _destinations(config), f"No entry is older than {years} years.", json_output)


@app.command()
def review(
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="The month. Default: the last complete one."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Report what a privacy officer should look at: unusual hours, mass access, refused sign-ins."""
    from display_server.broker.audit import review as reviewing
    from display_server.broker.audit.reading import Filter, every

    first, following = _month(month)
    wanted = Filter(from_us=_us(first), until_us=_us(following))
    rows: list[Row] = []

    async def read(store: Store) -> None:
        rows.extend([row async for row in every(store, wanted)])

    with_store(state_folder(state, config), read, config)
    zone = datetime.datetime.now().astimezone().tzinfo or datetime.UTC
    found = reviewing.review(rows, zone)
    if json_output:
        print(json.dumps({"month": f"{first:%Y-%m}", **dataclasses.asdict(found)}))
    else:
        for line in reviewing.describe(found, f"{first:%Y-%m}"):
            print(line)


def _print_newest(
    wanted: Filter, limit: int, state: Path | None, config: Path | None, json_output: bool
) -> None:
    from display_server.broker.audit.export import text_line
    from display_server.broker.audit.reading import newest

    found: list[Row] = []

    async def read(store: Store) -> None:
        async with store.reading() as db:
            found.extend(await newest(db, wanted, limit))

    with_store(state_folder(state, config), read, config)
    if json_output:
        print(json.dumps([dataclasses.asdict(row) for row in found], ensure_ascii=False))
        return
    if not found:
        print("No entry was found.", file=sys.stderr)
    for row in found:
        print(text_line(row))


def _filter(
    account: str | None,
    action: str | None,
    outcome: str | None,
    address: str | None,
    object_prefix: str | None,
    from_time: str | None,
    until_time: str | None,
) -> Filter:
    from display_server.broker.audit.entry import Action, Outcome
    from display_server.broker.audit.reading import Filter

    _require_known("act", action, [known.value for known in Action])
    _require_known("result", outcome, [known.value for known in Outcome])
    return Filter(
        account=account,
        action=action,
        outcome=outcome,
        address=address,
        object=object_prefix,
        from_us=_us(_time(from_time)) if from_time else None,
        until_us=_us(_time(until_time)) if until_time else None,
    )


def _require_known(what: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise ConfigurationError(f"There is no {what} {value!r}.", hint=f"Known are: {', '.join(known)}.")


def _time(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is not a time.", hint="For example 2026-12-31 or 2026-12-31T07:30."
        ) from error


def _month(text: str | None) -> tuple[datetime.datetime, datetime.datetime]:
    """Returns the beginnings of a month and of the next one, in local time."""
    if text is None:
        this_month = datetime.datetime.now().replace(day=1)
        first = (this_month - datetime.timedelta(days=1)).replace(day=1)
    else:
        first = _time(f"{text}-01")
    first = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return first, (first + datetime.timedelta(days=32)).replace(day=1)


def _us(local: datetime.datetime) -> int:
    return round(local.timestamp() * 1_000_000)


def _audit_config(config: Path | None) -> AuditConfig:
    from display_server.config import load

    return load(config, os.environ).audit


def _destinations(config: Path | None) -> Destinations:
    from display_server.broker.audit.keeping import Destinations
    from display_server.config import syslog_address

    found = _audit_config(config)
    return Destinations(found.checkpoint_file, syslog_address(found))


def _send(statement: Statement | None, destinations: Destinations, nothing: str, json_output: bool) -> None:
    """Prints a statement and sends it. Exits with an error when it does not leave the host."""
    if statement is None:
        print("null" if json_output else nothing, file=sys.stdout if json_output else sys.stderr)
        return
    print(statement.line())
    failures = destinations.send(statement)
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        sys.exit(EXIT_FAILED)


def _report_as_dict(report: Report) -> dict[str, object]:
    return {
        "intact": report.intact,
        "chain": report.chain,
        "entries": report.entries,
        "first": report.first,
        "last": report.last,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "more_findings": report.more_findings,
        "proven_seq": report.proven.seq if report.proven else None,
        "proven_outside_seq": report.proven_outside.seq if report.proven_outside else None,
        "statements": report.statements,
    }
