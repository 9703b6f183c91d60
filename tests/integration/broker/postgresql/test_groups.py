"""The tests of `unit/broker/test_groups.py`, on PostgreSQL."""

from tests.unit.broker.test_groups import *  # noqa: F403 - pytest collects what is imported
