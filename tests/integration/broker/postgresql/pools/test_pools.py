"""The tests of `unit/broker/pools/test_pools.py`, on PostgreSQL."""

from tests.unit.broker.pools.test_pools import *  # noqa: F403 - pytest collects what is imported
