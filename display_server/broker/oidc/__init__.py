"""Signing in at OpenID Connect providers (docs/oidc.md)."""
