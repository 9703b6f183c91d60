"""The tests of `unit/broker/test_audit_trail.py`, on PostgreSQL."""

from tests.unit.broker.test_audit_trail import *  # noqa: F403 - pytest collects what is imported
