"""Forges tiles that differ and have the same digest. Whoever knows the seed of an XXH64 can do that."""

from __future__ import annotations

import numpy as np
from display_codecs import TILE_PX
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

#: The first two constants of XXH64 (codecs/native/digest.c).
P1, P2 = 11400714785074694791, 14029467366897019727
WORD = 1 << 64
#: The bytes of two pixels that are undefined on the screen, and 0 in a digest.
UNDEFINED = np.uint64(0xFF000000_FF000000)
#: One candidate of 65,536 fits, so that a failure has a probability of 10^-7.
CANDIDATES = 1 << 20


def forge_collision(tile: Pixels, digest_seed: int) -> Pixels:
    """Returns other pixels, (64, 64, 4), with the same digest as `tile`.

    XXH64 has four accumulators. The first one gets two pixels of every eight. A change of the first two is
    undone by the difference that it makes to the accumulator, if added to the two that this one gets next.
    """
    assert tile.shape == (TILE_PX, TILE_PX, 4)
    words = tile.reshape(-1).copy().view(np.uint64)  # two pixels each
    seed = digest_seed ^ (TILE_PX << 32 | TILE_PX)
    start = np.uint64((seed + P1 + P2) % WORD)
    first, second = words[0], words[4]  # what the first accumulator gets
    candidates = np.random.default_rng(1).integers(0, WORD, CANDIDATES, np.uint64) & ~UNDEFINED
    candidates = candidates[candidates != first]
    difference = _round(start, first[None]) - _round(start, candidates)
    seconds = second + difference * np.uint64(pow(P2, -1, WORD))
    fits = np.flatnonzero(seconds & UNDEFINED == 0)
    words[0], words[4] = candidates[fits[0]], seconds[fits[0]]
    return words.view(np.uint8).reshape(tile.shape)


def _round(accumulator: np.uint64, word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    total = accumulator + word * np.uint64(P2)
    return (total << np.uint64(31) | total >> np.uint64(33)) * np.uint64(P1)
