"""Settings, keys and tokens of a provider that exists on paper alone."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.oidc.tokens import Expected
from display_server.oidc_config import OidcConfig

ISSUER = "https://id.hospital.example/realms/staff"
NOW_S = 1_800_000_000.0
EXPECTED = Expected(ISSUER, "lightbox", ("ES256",), 60)
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})


def provider_settings(**values: Any) -> ProviderSettings:
    usual = {"name": "hospital", "issuer": ISSUER, "client_id": "lightbox"}
    return ProviderSettings.of(OidcConfig(**(usual | values)), "secret")


def claims(**values: Any) -> dict[str, Any]:
    """Returns the claims of an ID token, without those that are None."""
    usual = {
        "iss": ISSUER,
        "sub": "subject-1",
        "aud": "lightbox",
        "exp": int(NOW_S) + 300,
        "iat": int(NOW_S),
        "auth_time": int(NOW_S),
        "nonce": "the nonce",
        "preferred_username": "park",
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def signed(content: dict[str, Any], key: ECKey = KEY, **header: Any) -> str:
    registry = JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jwt.encode({"alg": "ES256", "kid": "one", **header}, content, key, registry=registry)
