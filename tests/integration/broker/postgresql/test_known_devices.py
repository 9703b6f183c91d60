"""The tests of `unit/broker/test_known_devices.py`, on PostgreSQL."""

from tests.unit.broker.test_known_devices import *  # noqa: F403 - pytest collects what is imported
