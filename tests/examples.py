"""How many examples a property test tries: a fixed number in `make test`, far more in `make nightly`."""

from __future__ import annotations

from hypothesis import settings

#: A nightly search tries this many times the examples of `make test`.
NIGHTLY_FACTOR = 40


def examples(count: int) -> settings:
    """Returns settings for a test that tries `count` examples in `make test`."""
    return settings(max_examples=count if settings().derandomize else NIGHTLY_FACTOR * count)
