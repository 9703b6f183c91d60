"""The tests of `unit/broker/test_concurrent_use.py`, on PostgreSQL."""

from tests.unit.broker.test_concurrent_use import *  # noqa: F403 - pytest collects what is imported
