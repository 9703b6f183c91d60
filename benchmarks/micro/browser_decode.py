"""Decodes an image in Chromium with the tile decoder's WebAssembly and with the browser's own decoders.

Lightbox's decoder ends with pixels in memory, which putImageData has to draw; createImageBitmap ends with a
bitmap.
"""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from display_codecs import TileGrid, encode_tiles, wire

from benchmarks.content.frames import frame
from benchmarks.driver.browser import chromium
from benchmarks.micro.figure import Figure, MissingError
from benchmarks.micro.stills import UNAVAILABLE

DECODER = Path(__file__).parents[2] / "clients" / "web" / "src" / "decode" / "tile_decoder.wasm"
#: Runs each decoder in turn, `turns` times, and returns medians in ms and the errors of unsupported formats.
SCRIPT = """
async ({ wasm, update, images, side, turns }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes(wasm), {});
  const tiles = bytes(update), e = instance.exports;
  e.create(side, side, 0n, 0);
  const works = { "Lightbox tiles, WASM": async () => {
    const at = e.input_buffer(tiles.length);
    new Uint8Array(e.memory.buffer).set(tiles, at);
    if (e.apply(tiles.length) !== 0) throw new Error("not decoded");
  } };
  for (const [name, [type, data]] of Object.entries(images)) {
    const blob = new Blob([bytes(data)], { type });
    works[name] = async () => (await createImageBitmap(blob, {
      colorSpaceConversion: "none", premultiplyAlpha: "none" })).close();
  }
  const times = {}, errors = {};
  for (let turn = 0; turn <= turns; turn++) for (const [name, work] of Object.entries(works)) {
    if (errors[name]) continue;
    const began = performance.now();
    try { await work(); } catch (error) { errors[name] = String(error); continue; }
    if (turn) (times[name] ??= []).push(performance.now() - began);
  }
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  return { times: Object.fromEntries(Object.entries(times).map(([n, v]) => [n, median(v)])), errors };
}
"""


def browser_decode(turns: int = 15) -> list[Figure]:
    """Decodes an MR slice of 1024² px. Raises MissingError without imagecodecs or the built decoder."""
    try:
        codecs = importlib.import_module("imagecodecs")
    except ImportError as error:
        raise MissingError(f"{error}: pip install imagecodecs") from error
    if not DECODER.is_file():
        raise MissingError("the browser's decoder is not built: make setup-dev")
    rgba = frame("stack", 40)
    side = rgba.shape[0]
    grid = TileGrid(side, side)
    encoded = encode_tiles(rgba, grid, np.arange(grid.count))
    update = wire.update(*(wire.tile(i, encoded.payload(i)) for i in range(grid.count)), flags=wire.RESET)
    grey, rgb = np.ascontiguousarray(rgba[:, :, 0]), np.ascontiguousarray(rgba[:, :, :3])
    encoders: dict[str, tuple[str, Callable[[], bytes]]] = {
        "PNG": ("image/png", lambda: codecs.png_encode(grey, level=1)),
        "JPEG XL": ("image/jxl", lambda: codecs.jpegxl_encode(grey, lossless=True, effort=1)),
        "WebP": ("image/webp", lambda: codecs.webp_encode(rgb, lossless=True, level=0)),
    }
    images, errors = {}, {}
    for name, (kind, work) in encoders.items():
        try:
            images[name] = [kind, _text(work())]
        except UNAVAILABLE as error:
            errors[name] = str(error)
    with chromium() as browser:
        page = browser.surface(400, 300).page
        answer = page.evaluate(
            SCRIPT,
            {
                "wasm": _text(DECODER.read_bytes()),
                "update": _text(update),
                "images": images,
                "side": side,
                "turns": turns,
            },
        )
    tiles_ms = answer["times"]["Lightbox tiles, WASM"]
    found = [
        Figure("decode in Chromium", name, ms, "ms", ms / tiles_ms, "Lightbox tiles")
        for name, ms in answer["times"].items()
    ]
    return found + [
        Figure("decode in Chromium: missing", f"{name}: {reason}", 0.0, "–")
        for name, reason in (errors | answer["errors"]).items()
    ]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
