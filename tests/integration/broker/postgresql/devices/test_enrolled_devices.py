"""The tests of `unit/broker/devices/test_enrolled_devices.py`, on PostgreSQL."""

from tests.unit.broker.devices.test_enrolled_devices import *  # noqa: F403 - pytest collects what is imported
