"""The audit: who did what, where and when, as a chain of entries that nobody can change unnoticed."""
