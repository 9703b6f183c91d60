"""The revisions of the database, each a step from the schema before it."""
