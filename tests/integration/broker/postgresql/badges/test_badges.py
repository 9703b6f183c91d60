"""The tests of `unit/broker/badges/test_badges.py`, on PostgreSQL."""

from tests.unit.broker.badges.test_badges import *  # noqa: F403 - pytest collects what is imported
