"""docs/network.md names the ports that the default configuration uses, and no others of Lightbox."""

from __future__ import annotations

import re
from pathlib import Path

from display_server.config import Config, VideoConfig
from display_server.gateway.video_network import TURN_CREDENTIAL_S

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "network.md").read_text(encoding="utf-8")
#: Ports of other programs: those of coturn, and the first one that Linux gives to outgoing connections.
FOREIGN = {"3478", "5349", "49152-65535", "32768"}


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
    named = set(re.findall(r"\b\d{4,5}(?:-\d{4,5})?\b", TEXT))
    assert named == {str(Config().port), VideoConfig().ports, *FOREIGN}


def test_the_life_of_credentials_is_right() -> None:
    assert TURN_CREDENTIAL_S == 10 * 60
    assert "expire after ten minutes" in TEXT
