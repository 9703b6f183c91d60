"""Gives desktops a network that leads to listed destinations alone, with `ip` and `nft`.

A desktop without a list has no interface, and none of this happens. Interfaces vanish together with the
container's network namespace, so that they outlive this process, but never their desktop. `maintain`
sets rules on the host again that another program removed; until then nothing more is open than before.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from display_server.errors import DesktopError
from display_server.spawner.network_messages import IpNetwork, NetworkAccess, check_access, is_reachable
from display_server.spawner.network_rules import (
    IPV6_RANGE,
    PREFIX,
    DesktopAddress,
    desktop_rules,
    has_ipv6,
    host_up_script,
    inside_rules,
    inside_up_script,
    interfaces_script,
    list_of_hosts,
    resolver_configuration,
    shared_rules,
    uplinks_of,
)

#: Programs that this needs, and their Debian packages.
PROGRAMS = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"}
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: How long a program may take, s. Each needs 5 to 20 ms.
COMMAND_TIMEOUT_S = 30.0
#: How much of a program's error message is quoted, characters.
ERROR_MAX = 300
#: Lines about the desktop itself in its list of hosts (bundle.py).
HOSTS_OWN_LINES = 2
#: What a desktop's network is, in its bundle.
FILE_NAME = "network.json"
#: The interfaces on which Lightbox turned forwarding on, in the spawner's folder.
FORWARDING_FILE = "forwarding"
#: Settings of the kernel. Those of interfaces belong to the network namespace of this process.
_SETTINGS = Path("/proc/sys/net")
_ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}


class _Record(msgspec.Struct, frozen=True):
    """What the next spawner needs to know of a desktop's network."""

    address: str
    access: NetworkAccess

    @property
    def of_desktop(self) -> DesktopAddress:
        return DesktopAddress(ipaddress.IPv4Address(self.address))


class Networks:
    """The networks of one spawner's desktops. `folder` and `bundles` belong to it."""

    def __init__(
        self, folder: Path, bundles: Path, own_range: ipaddress.IPv4Network, log: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._bundles = bundles
        self._range = own_range
        self._log = log
        self._maintained = False
        #: Other spawners of this host have tables of their own.
        self._table = f"lightbox-{zlib.crc32(os.fsencode(folder)):08x}"

    def attach(self, bundle: Path, pid: int | None, number: int, access: NetworkAccess) -> None:
        """Connects the container whose init is `pid`. Nothing runs in it yet that could use a network.

        `number` is different for every desktop of every person. Raises DesktopError, OSError. The caller then
        ends the container and calls `detach`.
        """
        _require_programs()
        access, host = self._checked(access), Host()
        address = self._free_address(number)
        _write(bundle / FILE_NAME, msgspec.json.encode(_Record(str(address.ipv4), access)), 0o600)
        with _namespace(pid) as (inside, path):
            _ip(interfaces_script(address, path), pass_fds=(inside,))
            self._set_rules(address, access, host)
            _nft(inside_rules(address, access, self._forbidden(host)), inside=inside)
            _ip(inside_up_script(address, access, None), inside=inside)
        _ip(host_up_script(address, access))
        _write_names(bundle, access)

    def change(self, bundle: Path, pid: int | None, access: NetworkAccess) -> None:
        """Replaces what a running desktop may reach. Raises DesktopError, OSError."""
        record = _read(bundle)
        if record is None:
            raise DesktopError("This desktop was started without a network.", next_step="Start it again.")
        access, host = self._checked(access), Host()
        address = record.of_desktop
        _write(bundle / FILE_NAME, msgspec.json.encode(_Record(record.address, access)), 0o600)
        with _namespace(pid) as (inside, _):
            self._set_rules(address, access, host)
            _nft(inside_rules(address, access, self._forbidden(host)), inside=inside)
            _ip(inside_up_script(address, access, record.access), inside=inside)
        _ip(host_up_script(address, access))
        _write_names(bundle, access)

    def detach(self, bundle: Path) -> None:
        """Removes what the desktop of this bundle had on the host. Its container has ended."""
        record = _read(bundle)
        if record is None:
            return
        (bundle / FILE_NAME).unlink()
        interface = record.of_desktop.interface
        try:
            if _exists(interface):  # it vanishes with the container, but not at once
                _run(("ip", "link", "delete", interface))
            _nft(_deletion("netdev", interface))
            if not any(True for _ in self._records()):
                self._remove_shared()
        except (DesktopError, OSError) as error:
            self._log(f"the rules of {interface} could not be removed: {error}")

    def maintain(self) -> None:
        """Sets rules again that another program removed, and removes those of desktops that have ended.

        Called at the start and then at intervals. Never raises because of what it finds on the host.
        """
        records = list(self._records())
        if (self._maintained and not records) or shutil.which("nft", path=SEARCH_PATH) is None:
            return
        try:
            # A desktop that another spawner starts has its interface before its table.
            tables = _tables()
            for family, table in tables:
                if family == "netdev" and table.startswith(PREFIX) and not _exists(table):
                    _nft(_deletion(family, table))
            running = [record for record in records if _exists(record.of_desktop.interface)]
            if running:
                self._set_missing_rules(running, tables)
            else:
                self._remove_shared()
            self._maintained = True
        except (DesktopError, OSError) as error:
            self._log(f"the rules of the desktops' networks could not be looked after: {error}")

    def _set_missing_rules(self, running: Iterable[_Record], tables: set[tuple[str, str]]) -> None:
        host = Host()
        for record in running:
            address = record.of_desktop
            missing = {("netdev", address.interface), ("inet", self._table)} - tables
            if missing or host.uplinks_off(record.access):
                self._set_rules(address, record.access, host)
                self._log(f"something had removed rules of {address.interface}; they are set again")

    def _checked(self, access: NetworkAccess) -> NetworkAccess:
        """Returns what of the list is possible on this host. Raises DesktopError if it is wrong."""
        check_access(access, (self._range, IPV6_RANGE))
        if not has_ipv6(access) or forwards_ipv6():
            return access
        if any(d.written_as != "name" and d.parsed.version == 6 for d in access.destinations):
            raise DesktopError(
                "This host does not forward IPv6, which the list `network` of this desktop needs.",
                next_step="The administrator has to set net.ipv6.conf.all.forwarding (docs/network.md).",
            )
        return access.without_ipv6()

    def _free_address(self, number: int) -> DesktopAddress:
        """Returns the address with this number. Another spawner may use it; then, one of the next."""
        count = self._range.num_addresses
        for offset in range(min(count, 256)):
            address = DesktopAddress(self._range.network_address + (number + offset) % count)
            if not _exists(address.interface):
                return address
        raise DesktopError(
            f"All addresses for desktops in {self._range} are in use.",
            next_step="The administrator has to choose a larger range with `isolation.network_range`.",
        )

    def _set_rules(self, address: DesktopAddress, access: NetworkAccess, host: Host) -> None:
        """Sets everything on the host that one desktop needs, all of its rules at the same time."""
        uplinks = self._turned_on() | host.uplinks_off(access)
        _write(self._folder / FORWARDING_FILE, "\n".join(sorted(uplinks)).encode(), 0o600)
        script = shared_rules(self._table, self._range, sorted(uplinks))
        _nft(script + desktop_rules(address, access, self._forbidden(host)))
        for interface in (*uplinks, address.interface):
            _forwarding(interface).write_text("1")

    def _forbidden(self, host: Host) -> list[IpNetwork]:
        """Returns the addresses of desktops and of the host, which a larger network does not include."""
        return [network for network in (self._range, IPV6_RANGE, *host.own) if is_reachable(network)]

    def _turned_on(self) -> set[str]:
        try:
            return {
                name for name in (self._folder / FORWARDING_FILE).read_text().split("\n") if _exists(name)
            }
        except FileNotFoundError:
            return set()

    def _remove_shared(self) -> None:
        """Turns forwarding off where Lightbox turned it on, and only then removes the rules that limit it."""
        for uplink in self._turned_on():
            _forwarding(uplink).write_text("0")
        _nft(_deletion("inet", self._table))
        (self._folder / FORWARDING_FILE).unlink(missing_ok=True)

    def _records(self) -> Iterator[_Record]:
        for bundle in self._bundles.iterdir():
            if (record := _read(bundle)) is not None:
                yield record


class Host:
    """The addresses and IPv4 routes of the host, as they are now."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()
        #: What the host takes for its own: its addresses, and those that mean all hosts of its networks.
        self.own: set[IpNetwork] = set()
        for link in json.loads(_run(("ip", "-json", "address", "show")) or "[]"):
            for item in link.get("addr_info", ()):
                if "local" not in item:
                    continue
                self.addresses.add(item["local"])
                network = ipaddress.ip_network(f"{item['local']}/{item['prefixlen']}", strict=False)
                everybody = [network.network_address]
                everybody += [network.broadcast_address] if network.version == 4 else []
                self.own |= {ipaddress.ip_network(address) for address in (item["local"], *everybody)}
        self.routes: list[tuple[IpNetwork, str]] = []
        for route in json.loads(_run(("ip", "-4", "-json", "route", "show")) or "[]"):
            network = ipaddress.ip_network("0.0.0.0/0" if route["dst"] == "default" else route["dst"])
            hops = (route, *route.get("nexthops", ()))
            self.routes += [(network, hop["dev"]) for hop in hops if "dev" in hop]

    def uplinks_off(self, access: NetworkAccess) -> set[str]:
        """Returns the interfaces that have to forward what comes back from the destinations, and do not."""
        found = uplinks_of(access, self.routes, self.addresses)
        return {name for name in found if _exists(name) and _forwarding(name).read_text().strip() == "0"}


@contextlib.contextmanager
def _namespace(pid: int | None) -> Iterator[tuple[int, str]]:
    """Opens the network namespace of a container. Yields its descriptor, and its path for child processes."""
    try:
        descriptor = os.open(f"/proc/{pid or 0}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise DesktopError("This desktop has ended.", next_step="Open it again.") from None
    try:
        # Otherwise the pid belongs to another process by now.
        if os.path.samestat(os.fstat(descriptor), Path("/proc/self/ns/net").stat()):
            raise DesktopError("This desktop has ended.", next_step="Open it again.")
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _require_programs() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCH_PATH) is None]
    if missing:
        raise DesktopError(
            f"This host lacks {' and '.join(missing)}, which limit the network of this desktop.",
            next_step=f"The administrator has to run: apt install {' '.join(PROGRAMS[n] for n in missing)}",
        )


def _ip(script: str, *, inside: int | None = None, pass_fds: Sequence[int] = ()) -> None:
    _run(("ip", "-batch", "-"), script, inside, pass_fds)


def _nft(script: str, *, inside: int | None = None) -> None:
    _run(("nft", "-f", "-"), script, inside)


def _run(
    command: tuple[str, ...], script: str = "", inside: int | None = None, pass_fds: Sequence[int] = ()
) -> str:
    """Runs a program, in a container's network namespace if `inside` is one. Raises DesktopError."""
    if inside is not None:
        command = ("nsenter", f"--net=/proc/self/fd/{inside}", *command)
        pass_fds = (*pass_fds, inside)
    try:
        done = subprocess.run(
            command,
            input=script,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            env=_ENVIRONMENT,
            pass_fds=pass_fds,
        )
    except subprocess.TimeoutExpired:
        raise _failure(f"{command[0]} did not end in time") from None
    if done.returncode != 0:
        raise _failure(" ".join(done.stderr.split()))
    return done.stdout


def _failure(reason: str) -> DesktopError:
    return DesktopError(
        f"The network of this desktop could not be set up: {reason[:ERROR_MAX]}.",
        next_step="`lightbox doctor` says what this host lacks for desktops with a network.",
    )


def _deletion(family: str, table: str) -> str:
    return f"add table {family} {table}\ndelete table {family} {table}\n"


def _tables() -> set[tuple[str, str]]:
    answer = json.loads(_run(("nft", "--json", "list", "tables")))["nftables"]
    return {(item["table"]["family"], item["table"]["name"]) for item in answer if "table" in item}


def _exists(interface: str) -> bool:
    """Returns whether the host has an interface of this name."""
    return interface not in ("", "all", "default") and (_SETTINGS / "ipv4/conf" / interface).exists()


def _forwarding(interface: str) -> Path:
    return _SETTINGS / "ipv4/conf" / interface / "forwarding"


def forwards_ipv6() -> bool:
    """Returns whether the host forwards IPv6, which only the administrator can decide for all interfaces."""
    try:
        return (_SETTINGS / "ipv6/conf/all/forwarding").read_text().strip() != "0"
    except FileNotFoundError:
        return False


def _write_names(bundle: Path, access: NetworkAccess) -> None:
    """Writes the container's files about names. Its root is read-only inside, and belongs to the host."""
    etc = bundle / "rootfs/etc"
    base = "".join((etc / "hosts").read_text().splitlines(keepends=True)[:HOSTS_OWN_LINES])
    _write(etc / "hosts", list_of_hosts(base, access.names).encode(), 0o644)
    _write(etc / "resolv.conf", resolver_configuration(access.name_servers).encode(), 0o644)


def _read(bundle: Path) -> _Record | None:
    try:
        return msgspec.json.decode((bundle / FILE_NAME).read_bytes(), type=_Record)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None  # of another version: its rules are not set again, which opens nothing


def _write(file: Path, content: bytes, mode: int) -> None:
    """Writes a file that is complete or missing, even if this process is killed meanwhile."""
    scratch = file.with_name(f".{file.name}")
    scratch.write_bytes(content)
    scratch.chmod(mode)
    scratch.replace(file)
