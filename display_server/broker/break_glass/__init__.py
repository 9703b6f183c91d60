"""Break-glass: access beyond one's entitlements in an emergency, for a time and with a reason."""
