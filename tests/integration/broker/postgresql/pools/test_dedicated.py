"""The tests of `unit/broker/pools/test_dedicated.py`, on PostgreSQL."""

from tests.unit.broker.pools.test_dedicated import *  # noqa: F403 - pytest collects what is imported
