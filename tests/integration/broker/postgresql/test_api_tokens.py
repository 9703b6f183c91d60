"""The tests of `unit/broker/test_api_tokens.py`, on PostgreSQL."""

from tests.unit.broker.test_api_tokens import *  # noqa: F403 - pytest collects what is imported
