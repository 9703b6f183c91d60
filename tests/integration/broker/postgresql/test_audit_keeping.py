"""The tests of `unit/broker/test_audit_keeping.py`, on PostgreSQL."""

from tests.unit.broker.test_audit_keeping import *  # noqa: F403 - pytest collects what is imported
