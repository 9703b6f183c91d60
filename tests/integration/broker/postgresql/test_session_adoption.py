"""The tests of `unit/broker/test_session_adoption.py`, on PostgreSQL."""

from tests.unit.broker.test_session_adoption import *  # noqa: F403 - pytest collects what is imported
