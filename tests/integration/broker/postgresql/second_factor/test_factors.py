"""The tests of `unit/broker/second_factor/test_factors.py`, on PostgreSQL."""

from tests.unit.broker.second_factor.test_factors import *  # noqa: F403 - pytest collects what is imported
