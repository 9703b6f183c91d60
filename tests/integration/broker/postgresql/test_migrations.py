"""The tests of `unit/broker/test_migrations.py`, on PostgreSQL."""

from tests.unit.broker.test_migrations import *  # noqa: F403 - pytest collects what is imported
