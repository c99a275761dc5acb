"""Mutants: the calculus with one side condition dropped or weakened at a time, and the checks that must notice.

``python -m tests.mutants`` prints which check kills which mutant, and fails if one survives.
"""
