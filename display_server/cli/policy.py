"""`lightbox policy`: what people may do from where, and the limits of their sign-ins and desktops."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError, Malfunction

if TYPE_CHECKING:
    from pathlib import Path

    from display_server.broker.folders import Instance
    from display_server.broker.policy.policy_rules import StoredRule
    from display_server.broker.policy.values import Value
    from display_server.broker.store import Store
    from display_server.server.operator_requests import Answer, Request

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the policy.")]
DesktopOption = Annotated[
    str | None, typer.Option("--desktop", metavar="DESKTOP", help="Only on this desktop or pool.")
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", metavar="GROUP", help="Only for the members of this group, and of groups in it."),
]
NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="NETWORK",
        help="Only at addresses of this network, which the configuration names.",
    ),
]
TagOption = Annotated[
    str | None, typer.Option("--tag", metavar="TAG", help="Only on enrolled devices with this tag.")
]

app = typer.Typer(
    help="Decide what people may do from where, and how long. The most specific policy wins.",
    no_args_is_help=True,
)


@app.command()
def keys(json_output: JsonOption = False) -> None:
    """List what policies can decide on: the keys, what to write, the defaults, and where each is enforced."""
    from display_server.broker.policy.keys import KEYS
    from display_server.broker.policy.values import as_text

    if json_output:
        print(
            json.dumps(
                [
                    {
                        "key": key.name,
                        "form": key.kind.form,
                        "default": _plain(key.default),
                        "titles": dict(key.titles),
                        "enforced": key.enforced.value,
                        "conditions": sorted(key.enforced.known),
                    }
                    for key in KEYS
                ],
                ensure_ascii=False,
            )
        )
        return
    for key in KEYS:
        print(f"{key.name}  {key.titles['en']}")
        print(f"  {key.kind.form}; by default {as_text(key.default)}")
        print(f"  enforced {key.enforced.value}")


@app.command("list")
def list_policies(
    state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False
) -> None:
    """List the policies, with where they apply and what they set."""
    found = _stored(state_folder(state, config), config)
    if json_output:
        print(json.dumps([_as_dict(stored) for stored in found], ensure_ascii=False))
        return
    if not found:
        print("There is no policy. `lightbox policy set NAME KEY=VALUE` makes one.")
    for stored in found:
        print(_in_words(stored))


@app.command()
def show(
    name: NameArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show one policy."""
    found = [stored for stored in _stored(state_folder(state, config), config) if stored.rule.name == name]
    if not found:
        raise _no_policy(name)
    print(json.dumps(_as_dict(found[0]), ensure_ascii=False) if json_output else _in_words(found[0]))


@app.command("set")
def set_policy(
    name: NameArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="What it sets; see `lightbox policy keys`.")
    ],
    desktop: DesktopOption = None,
    group: GroupOption = None,
    network: NetworkOption = None,
    tag: TagOption = None,
    author: Annotated[
        str | None,
        typer.Option(
            "--author", metavar="USER", help="Refuse it if this person could not sign in any more …"
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", metavar="ADDRESS", help="… at this address of theirs.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a policy, or replace the whole of one: its conditions and all that it sets.

    Without a condition it applies to everybody, everywhere. A running server puts it into force at once.
    """
    given = {"desktop": desktop, "group": group, "network": network, "tag": tag}
    conditions = {kind: text for kind, text in given.items() if text is not None}
    parsed = _parsed(values)
    servers = _servers(state, config)
    if servers:
        from display_server.server.operator_requests import SetPolicy

        plain = {key: _plain(value) for key, value in parsed.items()}
        request = SetPolicy(name, conditions, plain, operator_name(), author, address or "")
        disconnected = _reviewed(servers[0], request)
    else:
        if author is not None:
            raise ConfigurationError(
                "No server is running, and only a server knows who could sign in.",
                hint="Start the server first, or leave out --author.",
            )
        _set_offline(name, conditions, parsed, state_folder(state, config), config)
        disconnected = 0
    _report(f"The policy {name} is set.", disconnected, json_output=json_output)


@app.command()
def remove(
    name: NameArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Remove a policy. This works as well while no server is running, or none can start."""
    from display_server.broker.audit.actor import operator_actor
    from display_server.broker.policy.policy_rules import PolicyRules
    from display_server.server.operator_requests import PoliciesChanged

    async def work(store: Store) -> None:
        await PolicyRules(store).remove(name, operator_actor(operator_name()))

    with_store(state_folder(state, config), work, config)
    done = f"The policy {name} is removed."
    disconnected = 0
    for server in _servers(state, config):
        disconnected += _reviewed(server, PoliciesChanged(f"{name} removed", operator_name()))
    _report(done, disconnected, json_output=json_output)


@app.command()
def effective(
    person: Annotated[str, typer.Option("--person", metavar="USER", help="The person, by their username.")],
    desktop: Annotated[
        str | None, typer.Option("--desktop", metavar="DESKTOP", help="On this desktop.")
    ] = None,
    address: Annotated[
        str, typer.Option("--address", metavar="ADDRESS", help="At this address; without one, in no network.")
    ] = "",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="On a device with this tag.")
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show the effective policy of a person: each value, and where it comes from. Asks the running server."""
    from display_server.server.operator_requests import PolicyShown, ShowPolicy, ask, refusal

    servers = _servers(state, config)
    if not servers:
        raise ConfigurationError(
            "No server is running.",
            hint="Start one with `lightbox serve`, or name its state folder with --state or --config.",
        )
    answer = ask(servers[0], ShowPolicy(person, desktop, address, tag or []))
    if not isinstance(answer, PolicyShown):
        raise refusal(answer)
    if json_output:
        print(
            json.dumps(
                [
                    {"key": one.key, "value": one.value, "origin": one.origin, "title": one.titles}
                    for one in answer.values
                ],
                ensure_ascii=False,
            )
        )
        return
    width = max(len(one.key) for one in answer.values)
    for one in answer.values:
        value = ",".join(one.value) if isinstance(one.value, list) else json.dumps(one.value).strip('"')
        print(f"{one.key:{width}}  {value}  ({one.origin})")


def _stored(folder: Path, config: Path | None) -> list[StoredRule]:
    from display_server.broker.policy.policy_rules import PolicyRules

    found: list[StoredRule] = []

    async def work(store: Store) -> None:
        found.extend(await PolicyRules(store).list_all())

    with_store(folder, work, config)
    return found


def _set_offline(
    name: str, conditions: dict[str, str], values: dict[str, Value], folder: Path, config: Path | None
) -> None:
    """Stores a policy without a server. The networks are those of the configuration of this command."""
    import os

    from display_server.broker.audit.actor import operator_actor
    from display_server.broker.policy.policy_rules import PolicyRules, conditions_from
    from display_server.broker.policy.rules import checked
    from display_server.config import load

    networks = load(config, os.environ).networks
    rule = checked(name, conditions_from(conditions), values, networks=networks)

    async def work(store: Store) -> None:
        await PolicyRules(store).put(rule, operator_actor(operator_name()))

    with_store(folder, work, config)


def _servers(state: Path | None, config: Path | None) -> list[Instance]:
    from display_server.cli.sessions import running_instances

    return running_instances(state, config)


def _reviewed(server: Instance, request: Request) -> int:
    """Sends a request, and returns how many viewers it has disconnected. Raises Malfunction."""
    from display_server.server.operator_requests import PoliciesReviewed, ask

    answer = ask(server, request)
    if not isinstance(answer, PoliciesReviewed):
        raise _refused(answer)
    return answer.disconnected


def _refused(answer: Answer) -> Malfunction | ConfigurationError:
    from display_server.server.operator_requests import Refused, refusal

    if isinstance(answer, Refused):
        return ConfigurationError(answer.cause, hint=answer.next_step)
    return refusal(answer)


def _parsed(texts: list[str]) -> dict[str, Value]:
    """Returns the values by key. Raises ConfigurationError."""
    from display_server.broker.policy.rules import parsed_value

    values: dict[str, Value] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(
                f"{text!r} sets nothing.", hint="Write KEY=VALUE, for example idle_lock_minutes=5."
            )
        values[key.strip()] = parsed_value(key.strip(), value.strip())
    return values


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _as_dict(stored: StoredRule) -> dict[str, object]:
    from display_server.broker.policy.policy_rules import rule_as_json

    return rule_as_json(stored)


def _in_words(stored: StoredRule) -> str:
    from display_server.broker.policy.values import as_text

    rule = stored.rule
    values = "\n".join(f"  {key}={as_text(value)}" for key, value in rule.values.items())
    return f"{rule.name}  {rule.in_words}  (by {stored.changed_by})\n{values}"


def _report(done: str, disconnected: int, *, json_output: bool) -> None:
    if json_output:
        print(json.dumps({"disconnected": disconnected}))
        return
    viewers = f" Viewers disconnected: {disconnected}." if disconnected else ""
    print(f"{done}{viewers}", file=sys.stderr)


def _no_policy(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no policy named {name!r}.", hint="To see all policies, run `lightbox policy list`."
    )
