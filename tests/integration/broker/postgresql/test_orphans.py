"""The tests of `unit/broker/test_orphans.py`, on PostgreSQL."""

from tests.unit.broker.test_orphans import *  # noqa: F403 - pytest collects what is imported
