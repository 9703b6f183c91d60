"""The tests of `unit/broker/test_display_checks.py`, on PostgreSQL."""

from tests.unit.broker.test_display_checks import *  # noqa: F403 - pytest collects what is imported
