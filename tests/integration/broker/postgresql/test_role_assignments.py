"""The tests of `unit/broker/test_role_assignments.py`, on PostgreSQL."""

from tests.unit.broker.test_role_assignments import *  # noqa: F403 - pytest collects what is imported
