"""The tests of `unit/broker/test_audit_chain.py`, on PostgreSQL."""

from tests.unit.broker.test_audit_chain import *  # noqa: F403 - pytest collects what is imported
