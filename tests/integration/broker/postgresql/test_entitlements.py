"""The tests of `unit/broker/test_entitlements.py`, on PostgreSQL."""

from tests.unit.broker.test_entitlements import *  # noqa: F403 - pytest collects what is imported
