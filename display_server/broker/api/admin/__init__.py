"""The administration API, below `/api/v1/admin`. `routes.py` has the table of everything that it offers."""
