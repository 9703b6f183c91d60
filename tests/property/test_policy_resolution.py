"""The resolution of policies: complete, independent of any order, and with the right origin."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.policy.keys import KEYS
from display_server.broker.policy.resolution import (
    Configured,
    ConfiguredValues,
    Facts,
    OriginKind,
    applies,
    order,
    resolve,
)
from display_server.broker.policy.rules import Conditions, Rule
from tests.examples import examples

NAMES = ("a", "b", "c")
MAYBE = st.none() | st.sampled_from(NAMES)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "picture_mode": st.sampled_from(("exact", "adaptive", "economy")),
        "sharing": st.booleans(),
        "monitors": st.integers(1, 6),
        "session_hours": st.just("unlimited") | st.integers(1, 100),
    },
)
CONDITIONS = st.builds(Conditions, desktop=MAYBE, group=MAYBE, network=MAYBE, tag=MAYBE)
RULES = st.lists(
    st.builds(Rule, name=st.text("abcd-", min_size=1, max_size=4), conditions=CONDITIONS, values=SETTINGS),
    max_size=8,
    unique_by=lambda rule: rule.name,
)
FACTS = st.builds(
    Facts,
    desktop=MAYBE,
    groups=st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3)),
    networks=st.dictionaries(st.sampled_from(NAMES), st.integers(96, 128)),
    tags=st.frozensets(st.sampled_from(NAMES)),
)
CONFIGURED = st.builds(
    ConfiguredValues,
    general=st.dictionaries(st.just("monitors"), st.builds(Configured, st.integers(1, 6))),
    desktops=st.dictionaries(
        st.sampled_from(NAMES), st.dictionaries(st.just("sharing"), st.builds(Configured, st.booleans()))
    ),
)


@examples(100)
@given(RULES, FACTS, CONFIGURED)
def test_every_key_has_one_value_whose_origin_set_it(
    rules: Sequence[Rule], facts: Facts, configured: ConfiguredValues
) -> None:
    found = resolve(rules, facts, configured).resolved
    assert list(found) == KEYS.names
    for key, resolved in found.items():
        setting = [rule for rule in rules if applies(rule, facts) and key in rule.values]
        if resolved.origin is OriginKind.POLICY:
            (winner,) = [rule for rule in setting if rule.name == resolved.rule]
            assert resolved.value == winner.values[key]
            assert all(order(winner, facts) < order(other, facts) for other in setting if other is not winner)
            assert all(
                len(list(winner.conditions.given)) >= len(list(other.conditions.given)) for other in setting
            )
            continue
        assert not setting
        given_value = configured.of(key, facts.desktop)
        if given_value is None:
            assert (resolved.value, resolved.origin) == (KEYS[key].default, OriginKind.DEFAULT)
        else:
            assert (resolved.value, resolved.origin) == (given_value.value, OriginKind.CONFIGURATION)


@examples(100)
@given(RULES, FACTS, CONFIGURED, st.data())
def test_the_order_of_the_rules_does_not_matter(
    rules: Sequence[Rule], facts: Facts, configured: ConfiguredValues, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rules))
    assert resolve(rules, facts, configured).resolved == resolve(shuffled, facts, configured).resolved


@examples(100)
@given(RULES, FACTS)
def test_the_order_is_total(rules: Sequence[Rule], facts: Facts) -> None:
    ranks = [order(rule, facts) for rule in rules if applies(rule, facts)]
    assert len(set(ranks)) == len(ranks)
    assert min(ranks, default=()) == min(reversed(ranks), default=())


@examples(100)
@given(RULES, FACTS, CONFIGURED)
def test_a_rule_that_does_not_apply_changes_nothing(
    rules: Sequence[Rule], facts: Facts, configured: ConfiguredValues
) -> None:
    fitting = [rule for rule in rules if applies(rule, facts)]
    assert resolve(rules, facts, configured).resolved == resolve(fitting, facts, configured).resolved
