"""Desktops beside each other, once for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def other_host() -> Iterator[OtherHost]:
    with OtherHost() as other:
        yield other


@pytest.fixture(scope="module")
def open_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[World]:
    with base_folder() as base:
        world = OpenWorld(loop, base)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()


@pytest.fixture(scope="module")
def isolated_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[IsolatedWorld]:
    with base_folder() as base:
        world = IsolatedWorld(loop, base)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()


@pytest.fixture(scope="module")
def nested_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[IsolatedWorld]:
    """The same, but programs may make namespaces, as in a profile that names a browser."""
    with base_folder() as base:
        world = IsolatedWorld(loop, base, nested_namespaces=True)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()
