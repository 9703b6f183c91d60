"""Desktops beside each other, once for each module of tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.integration.isolation.worlds import (
    BackgroundLoop,
    IsolatedWorld,
    OpenWorld,
    OtherHost,
    World,
    attack_targets,
    base_folder,
)

W = TypeVar("W", bound=World)


@pytest.fixture(scope="module")
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def other_host() -> Iterator[OtherHost]:
    with OtherHost() as other:
        yield other


@contextlib.contextmanager
def attacked(other_host: OtherHost, make: Callable[[Path], W]) -> Iterator[W]:
    """Two desktops, and everything that hostile programs attack."""
    with base_folder() as base:
        world = make(base)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()


@pytest.fixture(scope="module")
def open_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[World]:
    with attacked(other_host, lambda base: OpenWorld(loop, base)) as world:
        yield world


@pytest.fixture(scope="module")
def isolated_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[IsolatedWorld]:
    with attacked(other_host, lambda base: IsolatedWorld(loop, base)) as world:
        yield world


@pytest.fixture(scope="module")
def nested_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[IsolatedWorld]:
    """The same, but programs may make namespaces, as in a profile that names a browser."""
    with attacked(other_host, lambda base: IsolatedWorld(loop, base, nested_namespaces=True)) as world:
        yield world
