"""The tests of `unit/broker/audit/test_chain.py`, on PostgreSQL."""

from tests.unit.broker.audit.test_chain import *  # noqa: F403 - pytest collects what is imported
