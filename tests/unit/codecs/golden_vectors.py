"""Loads the golden vectors of the tile format and of updates. `display_codecs.vectors` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TILES_FILE = ROOT / "codecs" / "vectors" / "tiles.json"
UPDATES_FILE = ROOT / "tests" / "vectors" / "updates.json"

Vector = dict[str, Any]

#: Lists of vectors under "good" and "bad".
TILES: dict[str, Any] = json.loads(TILES_FILE.read_text(encoding="utf-8"))
#: Sequences of updates for one monitor.
SEQUENCES: list[Vector] = json.loads(UPDATES_FILE.read_text(encoding="utf-8"))["stories"]
#: The seed of the digests in TILES.
SEED = int(TILES["seed"], 16)


def name_of(vector: Vector) -> str:
    return str(vector["name"])
