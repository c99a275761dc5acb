"""The kernel: it decides whether a certificate proves its statement, and trusts nothing that wrote it.

The standard library only. It reads certificates strictly, terms with a reader of its own, replays typing rules on the
facts of intermediate arrays, and evaluates counterexamples in rational enclosures. ``python -m proofs.kernel FILE``.
"""
