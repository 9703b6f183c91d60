"""The tests of `unit/broker/test_database_transfer.py`, on PostgreSQL."""

from tests.unit.broker.test_database_transfer import *  # noqa: F403 - pytest collects what is imported
