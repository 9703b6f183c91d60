"""`python -m display_codecs.vectors TILES.json UPDATES.json` writes the golden vectors.

Pytest and Vitest read them. Bytes are in base64, digests and seeds are hexadecimal. Run this when the format
changes on purpose, and review the difference before you commit it.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from display_codecs import wire
from display_codecs.geometry import TileGrid
from display_codecs.native import DecodeError
from display_codecs.registry import Encoding
from display_codecs.samples import SAMPLES, Pixels, from_grey, slice_with_noise
from display_codecs.tiles import decode_tile, digest_tiles, encode_tile_as, encode_tiles, root_digest

SEED = 0x0123456789ABCDEF
SIZES = ((64, 64), (64, 56), (33, 17), (16, 64), (5, 3), (1, 1))

Vector = dict[str, Any]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _digest(pixels: Pixels) -> str:
    grid = TileGrid(pixels.shape[1], pixels.shape[0])
    return f"{int(digest_tiles(pixels, grid, [0], SEED)[0]):016x}"


#: Samples for which each encoding is meant.
_SAMPLES_OF: dict[Encoding, tuple[str, ...]] = {
    Encoding.SOLID: ("solid",),
    Encoding.PALETTE: ("text", "many-colours"),
    Encoding.GREY: ("slice-with-noise", "grey-edges"),
    Encoding.COLOUR: ("photograph", "white-noise"),
    Encoding.RAW: ("white-noise",),
}


def _good_tiles() -> list[Vector]:
    """Returns each encoding at each size where it can express its samples. Digests have the seed SEED."""
    vectors = []
    for encoding, names in _SAMPLES_OF.items():
        for width, height in SIZES:
            if encoding is Encoding.RAW and width * height > 1000:
                continue  # large vectors, and `raw` is too simple to need them
            for name in names:
                pixels = SAMPLES[name](width, height, np.random.default_rng(7))
                payload = encode_tile_as(pixels, encoding)
                if payload is None:
                    continue
                vectors.append(
                    {
                        "name": f"{encoding.name.lower()} {width}x{height} {name}",
                        "width": width,
                        "height": height,
                        "payload": _text(payload),
                        "digest": _digest(pixels),
                    }
                )
    return vectors


def _bad_tiles() -> list[Vector]:
    """Returns payloads that every decoder must refuse, with the fault that ours returns."""
    pixels = slice_with_noise(64, 64, np.random.default_rng(3))
    grey, colour = (encode_tile_as(pixels, encoding) or b"" for encoding in (Encoding.GREY, Encoding.COLOUR))
    palette = encode_tile_as(SAMPLES["text"](64, 64, np.random.default_rng(3)), Encoding.PALETTE) or b""
    candidates: dict[str, tuple[bytes, int, int]] = {
        "empty": (b"", 64, 64),
        "unknown encoding": (b"\x05\0\0\0", 64, 64),
        "solid short": (b"\x00\x10\x20", 64, 64),
        "solid long": (b"\x00\x10\x20\x30\x40", 64, 64),
        "raw short": (b"\x04" + bytes(11), 2, 2),
        "raw long": (b"\x04" + bytes(13), 2, 2),
        "grey head only": (grey[:20], 64, 64),
        "grey cut": (grey[:-4], 64, 64),
        "grey trailing": (grey + b"\0\0", 64, 64),
        "grey reserved bits": (grey[:6] + bytes([grey[6] | 0x80]) + grey[7:], 64, 64),
        "grey state too low": (grey[:7] + bytes(28) + grey[35:], 64, 64),
        "grey flipped bit": (grey[:200] + bytes([grey[200] ^ 4]) + grey[201:], 64, 64),
        "grey of another size": (grey, 64, 63),
        "colour cut": (colour[:-2], 64, 64),
        "palette of one colour": (b"\x01\x00" + palette[2:], 64, 64),
        "palette of 256 colours": (b"\x01\xff" + palette[2:], 64, 64),
        "palette with nothing": (b"\x01", 64, 64),
        "palette colours not ascending": (b"\x01\x01", 64, 64),
        "palette trailing": (palette + b"\x01\x02\x03\x04\x05\x06\x07\x08", 64, 64),
        "palette ending in zero": (palette + b"\0", 64, 64),
    }
    vectors = []
    for name, (payload, width, height) in candidates.items():
        try:
            decode_tile(payload, width, height)
        except DecodeError as error:
            vectors.append(
                {
                    "name": name,
                    "width": width,
                    "height": height,
                    "payload": _text(payload),
                    "fault": error.fault,
                }
            )
        else:
            raise AssertionError(f"{name} is not malformed")
    return vectors


def _updates() -> list[Vector]:
    """Returns sequences of updates for one monitor, with the result of each update."""
    width, height = 150, 100
    grid = TileGrid(width, height)
    everything = range(grid.count)
    first = slice_with_noise(width, height, np.random.default_rng(1))
    second = SAMPLES["text"](width, height, np.random.default_rng(2))
    payloads = [encode_tiles(first, grid, everything).payload(i) for i in everything]
    texts = [encode_tiles(second, grid, everything).payload(i) for i in everything]
    scrolled = second.copy()
    scrolled[:90] = second[10:]
    black = from_grey(np.zeros((height, width), int))
    reset = wire.update(*map(wire.tile, everything, payloads), flags=wire.RESET)

    def root(frame: Pixels) -> str:
        return f"{root_digest(digest_tiles(frame, grid, everything, SEED), SEED):016x}"

    def good(data: bytes, frame: Pixels, tiles: list[int]) -> Vector:
        return {"update": _text(data), "fault": 0, "root": root(frame), "tiles": tiles}

    def bad(data: bytes, fault: int) -> Vector:
        return {"update": _text(data), "fault": fault}

    every = list(everything)
    stored = [wire.store(0, 0, payloads[0]), *map(wire.tile, every[1:], payloads[1:])]
    head = wire.update
    stories: dict[str, list[Vector]] = {
        "tiles, then the cache": [
            good(reset, first, every),
            good(head(*(wire.store(i, 10 + i, texts[i]) for i in every), epoch=2), second, every),
            good(head(*map(wire.tile, every, payloads), epoch=3), first, every),
            good(head(*(wire.cached(i, 10 + i) for i in every), epoch=4), second, every),
            good(head(epoch=5), second, []),
        ],
        "moves": [
            good(head(*map(wire.tile, every, texts), flags=wire.RESET), second, every),
            good(head(wire.move(0, 0, 150, 90, 0, -10), epoch=2), scrolled, every),
        ],
        "a reset forgets": [
            good(head(*stored, flags=wire.RESET), first, every),
            good(head(flags=wire.RESET, epoch=2), black, every),
            bad(head(wire.cached(0, 0), epoch=3), 7),
            bad(head(epoch=4), 9),
            good(head(flags=wire.RESET, epoch=5), black, every),
        ],
        "nothing before a reset": [bad(head(wire.tile(0, payloads[0])), 9), good(reset, first, every)],
        "malformed": [
            good(reset, first, every),
            bad(b"", 1),
            bad(reset[:15], 1),
            bad(b"\x02" + reset[1:], 4),
            bad(b"\x01\x04" + reset[2:], 4),
            bad(reset + b"\x04", 5),
            bad(reset + b"\x00\x00", 1),
            bad(head(wire.tile(grid.count, payloads[0])), 6),
            bad(head(wire.tile(0, b"")), 1),
            bad(head(wire.tile(0, payloads[0])[:-1]), 1),
            bad(head(wire.tile(0, b"\x04" + bytes(3 * 64 * 64 + 1))), 3),
            bad(head(wire.store(0, 1 << 20, payloads[0])), 7),
            bad(head(wire.move(0, 0, 0, 10, 0, 0)), 8),
            bad(head(wire.move(0, 0, 151, 10, 0, 0)), 8),
            bad(head(wire.move(0, 0, 100, 100, 1, 0)), 8),
            bad(head(wire.move(60, 0, 90, 100, 0, -1)), 8),
            good(head(wire.move(0, 0, 150, 100, 0, 0), epoch=9), first, every),
            bad(head(wire.tile(0, payloads[0]), wire.tile(1, payloads[0][:-2]), epoch=10), 1),
            bad(head(epoch=11), 9),
            good(reset, first, every),
        ],
        "more than the cache holds": [
            good(reset, first, every),
            bad(head(*(wire.store(i, i, b"\x04" + bytes(3 * 64 * 36)) for i in (3, 4)), epoch=2), 7),
        ],
    }  # fmt: skip
    return [
        {
            "name": name,
            "width": width,
            "height": height,
            "seed": f"{SEED:016x}",
            "cache_bytes": 12000,
            "steps": steps,
        }
        for name, steps in stories.items()
    ]


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 2:
        print("usage: python -m display_codecs.vectors TILES.json UPDATES.json", file=sys.stderr)
        return 2
    tiles = {"seed": f"{SEED:016x}", "good": _good_tiles(), "bad": _bad_tiles()}
    for path, content in zip(arguments, (tiles, {"stories": _updates()}), strict=True):
        Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
