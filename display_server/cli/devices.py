"""`lightbox devices`: enrols devices, says what and where they are, and revokes them."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from display_server.cli.options import ConfigOption, JsonOption, StateOption
from display_server.cli.storage import operator_name, state_folder, with_store
from display_server.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from display_server.broker.audit.actor import Actor
    from display_server.broker.devices.device_facts import DeviceFacts
    from display_server.broker.devices.enrolled_devices import EnrolledDevices, ListedDevice
    from display_server.broker.folders import Instance
    from display_server.broker.store import Store
    from display_server.server.operator_requests import DevicesChanged

DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="The name of the device, or its id.")]
TagsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[TAG]...", help="All its tags; none removes them.")
]

app = typer.Typer(help="Enrol devices, say what and where they are, and revoke them.", no_args_is_help=True)


@app.command("list")
def list_devices(
    revoked: Annotated[bool, typer.Option("--revoked", help="Also the devices that were revoked.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """List the enrolled devices, with who is signed in there."""

    async def show(devices: EnrolledDevices, _actor: Actor) -> None:
        found = await devices.list_all(revoked=revoked)
        if json_output:
            print(json.dumps([_as_dict(device) for device in found], ensure_ascii=False))
            return
        if not found:
            print("No device is enrolled. Enrol one with `lightbox devices enrol NAME --place PLACE`.")
        for device in found:
            print(_in_words(device))

    _with_devices(state_folder(state, config), show, config)


@app.command()
def enrol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the device, as ward-3-07.")],
    place: Annotated[str, typer.Option("--place", metavar="PLACE", help="Where it stands.")],
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="For rules, as ward-3 or diagnostic; can be repeated."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Print a link that enrols one browser, once, within 15 minutes. Open it on the device."""
    from display_server.broker.devices.enrolled_devices import CODE_S

    folder = state_folder(state, config)
    codes: list[str] = []

    async def make(devices: EnrolledDevices, actor: Actor) -> None:
        codes.append(await devices.make_code(name, place, tag or [], actor))

    _with_devices(folder, make, config)
    link = f"{_address(folder, config)}enrol#{codes[0]}"
    if json_output:
        print(json.dumps({"code": codes[0], "link": link, "expires_s": round(time.time() + CODE_S)}))
        return
    print(link)
    print(
        f"Open this link on the device within {CODE_S / 60:g} minutes, or its page `enrol` and enter "
        f"{codes[0]}.",
        file=sys.stderr,
    )


@app.command()
def rename(
    device: DeviceArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The new name.")] = None,
    place: Annotated[str | None, typer.Option("--place", metavar="PLACE", help="The new place.")] = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Give a device another name or place, at once."""
    if name is None and place is None:
        raise ConfigurationError(
            "Nothing is to be changed.",
            hint="Give a new name with --name, a new place with --place, or both.",
        )
    changed: list[DeviceFacts] = []

    async def change(devices: EnrolledDevices, actor: Actor) -> None:
        changed.append(await devices.change(device, actor, name=name, place=place))

    _with_devices(state_folder(state, config), change, config)
    _report(changed[0], f"The device is {changed[0].name}, {changed[0].place}.", json_output=json_output)


@app.command()
def tag(
    device: DeviceArgument,
    tags: TagsArgument = None,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Give a device these tags in the place of those that it has, at once."""
    changed: list[DeviceFacts] = []

    async def change(devices: EnrolledDevices, actor: Actor) -> None:
        changed.append(await devices.change(device, actor, tags=tags or []))

    _with_devices(state_folder(state, config), change, config)
    found = ", ".join(sorted(changed[0].tags)) or "none"
    _report(changed[0], f"The tags of {changed[0].name}: {found}.", json_output=json_output)


@app.command()
def revoke(
    device: DeviceArgument,
    state: StateOption = None,
    config: ConfigOption = None,
    json_output: JsonOption = False,
) -> None:
    """Make a device unknown and sign everybody out there, at once. Desktops keep running."""
    folder = state_folder(state, config)
    revoked: list[tuple[DeviceFacts, list[bytes]]] = []

    async def change(devices: EnrolledDevices, actor: Actor) -> None:
        revoked.append(await devices.revoke(device, actor))

    _with_devices(folder, change, config)
    [(facts, ended)] = revoked
    from display_server.server.operator_requests import DevicesChanged

    _make_effective(
        folder,
        DevicesChanged(f"{facts.name} revoked", operator_name(), ended=[id_hash.hex() for id_hash in ended]),
    )
    done = f"The device {facts.name} is revoked, and {len(ended)} browsers are signed out."
    _report(facts, done, json_output=json_output)


@app.command("new-key")
def new_key(
    revoke_former: Annotated[
        bool,
        typer.Option("--revoke-former", help="Former keys are stolen: every device has to be enrolled anew."),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a new key for the cookies of devices. Each device gets a cookie of it at its next sign-in."""
    from display_server.server.operator_requests import DevicesChanged

    folder = state_folder(state, config)

    async def change(devices: EnrolledDevices, actor: Actor) -> None:
        await devices.record_key_change(actor, revoke_former=revoke_former)
        devices.keys.change(time.time(), revoke_former=revoke_former)

    _with_devices(folder, change, config)
    _make_effective(folder, DevicesChanged("new key", operator_name(), new_keys=True))
    print(
        "The new key is in use. Every device has to be enrolled anew."
        if revoke_former
        else "The new key is in use. Devices that are enrolled stay so.",
        file=sys.stderr,
    )


def _with_devices(
    folder: Path, use: Callable[[EnrolledDevices, Actor], Awaitable[None]], config: Path | None
) -> None:
    from display_server.broker.audit.actor import operator_actor
    from display_server.broker.devices.device_keys import DeviceKeys
    from display_server.broker.devices.enrolled_devices import EnrolledDevices
    from display_server.broker.folders import StateFolder

    async def work(store: Store) -> None:
        keys = DeviceKeys.provide(StateFolder(folder).device_keys, time.time())
        await use(EnrolledDevices(store, keys), operator_actor(operator_name()))

    with_store(folder, work, config)


def _make_effective(folder: Path, request: DevicesChanged) -> None:
    """Has the servers that run act on a change. Raises Malfunction when one of them does not answer."""
    from display_server.server.operator_requests import ask_all

    ask_all(_instances(folder), request)


def _instances(folder: Path) -> list[Instance]:
    from display_server.broker.folders import StateFolder, list_instances

    return list_instances(StateFolder(folder))


def _address(folder: Path, config: Path | None) -> str:
    """Returns the address of the server, as browsers of other hosts know it, with a slash at its end.

    Without a configuration and without a server that runs, only `/`.
    """
    import os

    from display_server.config import load

    public = load(config, os.environ).public_url
    found = [public] if public else [instance.url for instance in _instances(folder)]
    return f"{found[0].rstrip('/')}/" if found else "/"


def _report(facts: DeviceFacts, done: str, *, json_output: bool) -> None:
    if json_output:
        print(json.dumps(_facts(facts), ensure_ascii=False))
    else:
        print(done, file=sys.stderr)


def _facts(facts: DeviceFacts) -> dict[str, Any]:
    return {"id": facts.id, "name": facts.name, "place": facts.place, "tags": sorted(facts.tags)}


def _as_dict(device: ListedDevice) -> dict[str, Any]:
    return {
        **_facts(device.facts),
        "enrolled_by": device.enrolled_by,
        "enrolled_s": device.enrolled_s,
        "seen_s": device.seen_s,
        "revoked_s": device.revoked_s,
        "people": list(device.people),
    }


def _in_words(device: ListedDevice) -> str:
    facts = device.facts
    parts = [facts.name, facts.place, ",".join(sorted(facts.tags)) or "-"]
    parts.append("never seen" if device.seen_s is None else f"seen {_time(device.seen_s)}")
    if device.people:
        parts.append(f"signed in: {', '.join(device.people)}")
    if device.revoked_s is not None:
        parts.append(f"revoked {_time(device.revoked_s)}")
    return "  ".join(parts)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
