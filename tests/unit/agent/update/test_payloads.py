"""PayloadCache keeps the most recently used payloads within its limit."""

from __future__ import annotations

from display_server.agent.update.payloads import ENTRY_BYTES, EncodedTile, PayloadCache


def test_the_least_recently_used_payload_is_dropped_first() -> None:
    cache = PayloadCache(3 * (ENTRY_BYTES + 100))
    data = memoryview(bytes(300))
    for digest in (1, 2, 3):
        cache.put(digest, EncodedTile(data[:100], 2))
    assert cache.get(1) == EncodedTile(bytes(100), 2)
    cache.put(4, EncodedTile(data[:100], 2))
    assert [cache.get(digest) is not None for digest in (1, 2, 3, 4)] == [True, False, True, True]
    assert cache.size_bytes == 3 * (ENTRY_BYTES + 100)
    assert cache.hits == 4
    cache.put(4, EncodedTile(b"other", 1))
    assert cache.size_bytes == 3 * (ENTRY_BYTES + 100)
    cache.clear()
    assert cache.size_bytes == 0
    assert cache.get(1) is None
