"""Derivations: one file per rule; each starts from a definition and returns the rule's side condition."""
