"""The tests of `unit/broker/test_catalogue.py`, on PostgreSQL."""

from tests.unit.broker.test_catalogue import *  # noqa: F403 - pytest collects what is imported
