"""The tests of `unit/broker/test_people_listing.py`, on PostgreSQL."""

from tests.unit.broker.test_people_listing import *  # noqa: F403 - pytest collects what is imported
