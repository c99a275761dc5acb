"""Derivation: what is equivariant to translations, under which condition, and why.

A caption only: importing this package imports nothing else, so that the import contract holds at run time too.
Rooms: ``spec`` (frozen data), ``calculus`` (typing rules and frequency defects), ``derivations`` (one SymPy file per
rule), ``decision`` (verdicts and synthesised theorems).
"""
