"""Settings, addresses, discovery, keys and claims of providers, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from display_server.broker.oidc.addresses import allowed, origin_of, with_parameters
from display_server.broker.oidc.claims import person_of
from display_server.broker.oidc.discovery import read_metadata
from display_server.broker.oidc.errors import AnswerRefusedError
from display_server.broker.oidc.flow import FlowSecrets, authorization_url, sign_out_url
from display_server.broker.oidc.keys import REFETCH_S, VALID_S, SigningKeys, choose, read_keys
from display_server.broker.oidc.settings import check_together
from display_server.errors import ConfigurationError
from tests.unit.broker.oidc.provider_facts import ISSUER, KEY, claims, provider_settings

HOST = "https://id.hospital.example"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": "Hospital"}, "name"),
        ({"name": ""}, "name"),
        ({"issuer": "http://id.hospital.example"}, "issuer"),
        ({"issuer": "https://id.hospital.example/?x=1"}, "issuer"),
        ({"issuer": "https://kim@id.hospital.example"}, "issuer"),
        ({"client_id": " "}, "client_id"),
        ({"scopes": ["profile"]}, "scopes"),
        ({"algorithms": []}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"clock_skew_seconds": 301}, "clock_skew_seconds"),
        ({"answer_seconds": 0}, "answer_seconds"),
        ({"origins": ["https://keys.hospital.example/path"]}, "origins"),
        ({"origins": ["http://keys.hospital.example"]}, "origins"),
        ({"group_prefix": "-"}, "group_prefix"),
        ({"ca_file": "/nowhere/ca.pem"}, "ca_file"),
    ],
)
def test_mistakes_are_named_with_their_key(values: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"`(oidc\\.)?{key}`") as caught:
        provider_settings(**values)
    assert caught.value.hint


def test_several_providers_have_names_and_issuers_of_their_own() -> None:
    one, other = provider_settings(), provider_settings(name="other", issuer=f"{HOST}/realms/other")
    check_together([one, other])
    for wrong in (provider_settings(issuer=f"{HOST}/x"), provider_settings(name="other")):
        with pytest.raises(ConfigurationError):
            check_together([one, wrong])


def test_addresses_belong_to_configured_origins_alone() -> None:
    assert origin_of("https://ID.hospital.example/x?y") == "https://id.hospital.example:443"
    assert origin_of("https://[2001:db8::1]:8443") == "https://[2001:db8::1]:8443"
    origins = provider_settings(origins=["https://keys.hospital.example:8443"]).origins
    assert allowed(f"{HOST}:443/keys", origins)
    assert allowed("https://keys.hospital.example:8443/keys", origins)
    for wrong in (
        "http://id.hospital.example/keys",
        "https://id.hospital.example:8443/keys",
        "https://id.hospital.example.evil.example/keys",
        "https://id.hospital.example@evil.example/keys",
        "https://id.hospital.example/keys#part",
        "https://id.hospital.example/ HTTP/1.1\r\nX: y",
        "https://id.hospital.example\\@evil.example/",
        "https://",
        None,
        5,
    ):
        assert not allowed(wrong, origins), wrong


def document(**values: Any) -> dict[str, Any]:
    usual = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{HOST}/authorize?tenant=1",
        "token_endpoint": f"{HOST}/token",
        "jwks_uri": f"{HOST}/keys",
        "end_session_endpoint": f"{HOST}/logout",
        "response_types_supported": ["code"],
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def test_the_discovery_document_has_to_be_that_of_the_issuer() -> None:
    metadata = read_metadata(document(), provider_settings())
    assert metadata.keys == f"{HOST}/keys"
    assert metadata.userinfo is None
    assert not metadata.names_issuer
    assert read_metadata(document(end_session_endpoint=None), provider_settings()).end_session is None
    for wrong in (
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"token_endpoint": "https://evil.example/token"},
        {"token_endpoint": "http://id.hospital.example/token"},
        {"jwks_uri": None},
        {"end_session_endpoint": "https://evil.example/logout"},
        {"response_types_supported": ["id_token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ):
        with pytest.raises(AnswerRefusedError):
            read_metadata(document(**wrong), provider_settings())
    with pytest.raises(AnswerRefusedError):
        read_metadata(document(), provider_settings(userinfo=True))


def test_a_sign_in_has_secrets_of_its_own() -> None:
    secrets, others = FlowSecrets.of("one cookie"), FlowSecrets.of("another cookie")
    values = {secrets.state, secrets.nonce, secrets.verifier, others.state, others.nonce, others.verifier}
    assert len(values) == 6
    assert secrets.is_state(secrets.state)
    assert not secrets.is_state(others.state)
    assert not secrets.is_state("한글")
    metadata = read_metadata(document(), provider_settings())
    url = authorization_url(
        provider_settings(), metadata, secrets, redirect="https://lightbox.example/oidc/x", fresh=True
    )
    assert url.startswith(f"{HOST}/authorize?tenant=1&response_type=code&")
    assert secrets.verifier not in url
    assert f"code_challenge={secrets.challenge}&code_challenge_method=S256" in url
    assert "prompt=login&max_age=0" in url
    assert with_parameters("https://x.example/?a=1&b=2", {"b": "3"}) == "https://x.example/?a=1&b=3"
    out = sign_out_url(provider_settings(), metadata, id_token="t", return_to="https://lightbox.example/")
    assert out is not None
    assert "id_token_hint=t&client_id=lightbox&post_logout" in out


RSA = RSAKey.generate_key(2048, {"kid": "rsa"})


def test_only_public_keys_for_signatures_are_read() -> None:
    short = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
    secret = OctKey.generate_key(256).as_dict()
    encryption = {**KEY.as_dict(private=False), "use": "enc", "kid": "enc"}
    listed = [short, secret, encryption, {"kty": "unknown"}, "no key", KEY.as_dict(private=True)]
    keys = read_keys({"keys": [*listed, RSA.as_dict(private=False)]})
    assert [key.get("kid") for key in keys] == ["one", "rsa"]
    assert not any(key.is_private for key in keys)
    nothings: tuple[dict[str, Any], ...] = ({}, {"keys": {}}, {"keys": [short]}, {"keys": [secret]})
    for nothing in nothings:
        with pytest.raises(AnswerRefusedError):
            read_keys(nothing)


def test_a_key_is_chosen_by_its_id_and_kind() -> None:
    keys = read_keys({"keys": [KEY.as_dict(private=False), RSA.as_dict(private=False)]})
    found = choose(keys, {"alg": "ES256", "kid": "one"})
    assert found is not None
    assert found.key_type == "EC"
    assert choose(keys, {"alg": "ES256"}) is found, "the only one that fits"
    for header in (
        {"alg": "RS256", "kid": "one"},
        {"alg": "ES256", "kid": "two"},
        {"alg": "none"},
        {"alg": "HS256", "kid": "one"},
        {},
    ):
        assert choose(keys, header) is None, header
    assert choose([*keys, *keys], {"alg": "ES256"}) is None, "not the only one"


async def test_keys_are_fetched_again_when_one_is_unknown_but_not_all_the_time() -> None:
    fetched = 0
    now_s = 0.0
    key = KEY

    async def fetch() -> Mapping[str, Any]:
        nonlocal fetched
        fetched += 1
        return {"keys": [key.as_dict(private=False)]}

    keys = SigningKeys(fetch, lambda: now_s)
    old, new = {"alg": "ES256", "kid": "one"}, {"alg": "ES256", "kid": "two"}
    await keys.key_for(old)
    await keys.key_for(old)
    assert fetched == 1
    key = ECKey.generate_key("P-256", {"kid": "two"})
    with pytest.raises(AnswerRefusedError):
        await keys.key_for(new)
    assert fetched == 1
    now_s = REFETCH_S
    await keys.key_for(new)
    assert fetched == 2
    with pytest.raises(AnswerRefusedError):
        await keys.key_for(old)
    now_s += VALID_S
    await keys.key_for(new)
    assert fetched == 3


def test_what_claims_say_of_a_person() -> None:
    settings = provider_settings(
        domains=["HOSPITAL", "hospital.example"], groups_claim="groups", second_factor_acr=["2"]
    )
    person = person_of(
        claims(preferred_username="Kim@Hospital.Example", name="김\u202e민수\n", groups=["A", "a", "-x", ""]),
        settings,
    )
    assert (person.username, person.display_name, person.subject) == ("kim", "김민수", "subject-1")
    assert person.groups == ("hospital:a", "hospital:-x")
    assert not person.factor_given
    assert person_of(claims(), settings).groups == ()
    assert person_of(claims(groups="A"), settings).groups == ("hospital:a",)
    assert person_of(claims(groups=["A"]), provider_settings()).groups == ()
    unprefixed = provider_settings(groups_claim="groups", group_prefix="")
    assert person_of(claims(groups=["A", "-x", "*"]), unprefixed).groups == ("a",)
    for wrong in (
        {"preferred_username": None},
        {"preferred_username": 5},
        {"preferred_username": "../kim"},
        {"preferred_username": "kim park"},
        {"groups": {"a": 1}},
        {"groups": [1]},
        {"groups": ["x"] * 1001},
    ):
        with pytest.raises(AnswerRefusedError):
            person_of(claims(**wrong), settings)


def test_an_address_names_a_person_only_if_it_is_verified() -> None:
    settings = provider_settings(username_claim="email")
    assert person_of(claims(email="kim@x.example", email_verified=True), settings).username == "kim@x.example"
    for verified in (None, False, "true"):
        with pytest.raises(AnswerRefusedError):
            person_of(claims(email="kim@x.example", email_verified=verified), settings)


def test_a_second_factor_counts_if_the_configuration_names_it() -> None:
    by_acr = provider_settings(second_factor_acr=["two"])
    by_amr = provider_settings(second_factor_amr=["otp", "hwk"])
    assert person_of(claims(acr="two"), by_acr).factor_given
    assert person_of(claims(amr=["pwd", "hwk"]), by_amr).factor_given
    for content, settings in (
        (claims(acr="two", amr=["otp"]), provider_settings()),
        (claims(acr="one"), by_acr),
        (claims(acr=["two"]), by_acr),
        (claims(amr="otp"), by_amr),
        (claims(amr=["pwd"]), by_amr),
    ):
        assert not person_of(content, settings).factor_given
