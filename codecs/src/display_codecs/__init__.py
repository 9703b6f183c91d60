"""The lossless tile format of Lightbox: encoder, decoder and digests. codecs/README.md specifies it."""

from display_codecs.geometry import TILE_PX, TileGrid
from display_codecs.move import Move, find_move
from display_codecs.native import DecodeError
from display_codecs.registry import ENCODING_NAMES, PROPERTIES, Encoding, Properties
from display_codecs.tiles import (
    PAYLOAD_MAX_BYTES,
    EncodedTiles,
    copy_and_compare_tiles,
    decode_tile,
    digest_tiles,
    encode_tile_as,
    encode_tiles,
    root_digest,
)
from display_codecs.yuv import to_yuv420, yuv_components

__all__ = [
    "ENCODING_NAMES",
    "PAYLOAD_MAX_BYTES",
    "PROPERTIES",
    "TILE_PX",
    "DecodeError",
    "EncodedTiles",
    "Encoding",
    "Move",
    "Properties",
    "TileGrid",
    "copy_and_compare_tiles",
    "decode_tile",
    "digest_tiles",
    "encode_tile_as",
    "encode_tiles",
    "find_move",
    "root_digest",
    "to_yuv420",
    "yuv_components",
]
