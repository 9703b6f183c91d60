"""The tests of `unit/broker/policy/test_policy_rules.py`, on PostgreSQL."""

from tests.unit.broker.policy.test_policy_rules import *  # noqa: F403 - pytest collects what is imported
