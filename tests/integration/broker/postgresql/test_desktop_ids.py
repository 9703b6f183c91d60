"""The tests of `unit/broker/test_desktop_ids.py`, on PostgreSQL."""

from tests.unit.broker.test_desktop_ids import *  # noqa: F403 - pytest collects what is imported
