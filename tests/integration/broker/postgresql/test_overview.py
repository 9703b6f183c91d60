"""The tests of `unit/broker/test_overview.py`, on PostgreSQL."""

from tests.unit.broker.test_overview import *  # noqa: F403 - pytest collects what is imported
