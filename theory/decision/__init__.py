"""Decisions: from a claim to Proof, Counterexample or Unknown; from a table of verdicts to a theorem."""
