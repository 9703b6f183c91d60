"""docs/network.md names the ports that the default configuration uses, and no others of Lightbox."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from display_server.broker.launchers.desktop_network import KEPT_S, LOOK_UP_INTERVAL_S
from display_server.config import Config, IsolationConfig, VideoConfig
from display_server.desktop.network_access import ENTRIES_MAX, parse_entries
from display_server.gateway.video_network import TURN_CREDENTIAL_S
from display_server.spawner.network_rules import CONNECTIONS_MAX, IPV6_RANGE
from display_server.spawner.server import MAINTAIN_INTERVAL_S

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "network.md").read_text(encoding="utf-8")
#: Ports of other programs: those of coturn, and the first one that Linux gives to outgoing connections.
FOREIGN = {"3478", "5349", "49152-65535", "32768"}
#: Numbers that are no ports: the limit of connections, and parts of addresses.
OTHER_NUMBERS = {str(CONNECTIONS_MAX), *re.findall(r"\b\d{4}\b", str(IPV6_RANGE))}


def rows() -> list[list[str]]:
    """Returns the cells of all tables, without heads and rules."""
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "from | to" not in line
    ]


def test_the_tables_name_the_default_ports() -> None:
    tcp, udp = f"TCP {Config().port}", f"UDP {VideoConfig().ports}"
    to_host = [row for row in rows() if row[1] == "host"]
    assert {row[2] for row in to_host} == {tcp, udp}
    assert [row[2] for row in to_host if row[0] == "device"] == [tcp, udp, udp]
    assert [row[2] for row in to_host if row[0] == "TURN server"] == [udp]


def test_the_keys_exist() -> None:
    for row in rows():
        for key in re.findall(r"`([a-z_.]+)`", row[4] if len(row) > 4 else ""):
            section, _, name = key.rpartition(".")
            table = getattr(Config(), section) if section else Config()
            assert hasattr(table, name), key


def test_no_other_port_is_named() -> None:
    named = set(re.findall(r"\b\d{4,5}(?:-\d{4,5})?\b", TEXT)) - OTHER_NUMBERS
    assert named == {str(Config().port), VideoConfig().ports, *FOREIGN}


def test_the_limits_of_the_list_are_right() -> None:
    assert f"at most {ENTRIES_MAX} entries" in TEXT
    assert f"at most {CONNECTIONS_MAX} connections" in TEXT
    assert f"by default {IsolationConfig().network_range}" in TEXT
    assert str(IPV6_RANGE) in TEXT
    assert (LOOK_UP_INTERVAL_S, KEPT_S, MAINTAIN_INTERVAL_S) == (60, 3600, 10)


def test_the_example_is_valid() -> None:
    [example] = re.findall(r"^network = \[$.*?^\]$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(parse_entries(tomllib.loads(example)["network"])) == 5


def test_the_life_of_credentials_is_right() -> None:
    assert TURN_CREDENTIAL_S == 10 * 60
    assert "expire after ten minutes" in TEXT
