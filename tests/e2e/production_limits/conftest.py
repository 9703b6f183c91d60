"""The demo of these tests has the limits of production for what counts as silent or late.

All other browser tests multiply these limits, so that a busy host is not taken for a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import radiology_demo
from tests.e2e.lightbox import Lightbox


@pytest.fixture(scope="module")
def lightbox(out: Path, request: pytest.FixtureRequest) -> Iterator[Lightbox]:
    with radiology_demo(out / f"{request.path.stem}.log", patience=1) as running:
        yield running
