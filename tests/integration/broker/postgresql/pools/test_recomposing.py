"""The tests of `unit/broker/pools/test_recomposing.py`, on PostgreSQL."""

from tests.unit.broker.pools.test_recomposing import *  # noqa: F403 - pytest collects what is imported
