"""The hunt against the census, and against wrong theorems; both as tables, by ``python -m tests.hunt``."""
