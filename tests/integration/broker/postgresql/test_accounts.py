"""The tests of `unit/broker/test_accounts.py`, on PostgreSQL."""

from tests.unit.broker.test_accounts import *  # noqa: F403 - pytest collects what is imported
