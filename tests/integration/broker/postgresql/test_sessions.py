"""The tests of `unit/broker/test_sessions.py`, on PostgreSQL."""

from tests.unit.broker.test_sessions import *  # noqa: F403 - pytest collects what is imported
