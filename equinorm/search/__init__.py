"""The search for counterexamples: arrays, parameters, sizes and displacements at which f(T x) is not T f(x).

Modules: ``questions`` (what is claimed, of which function, on which shapes), ``subjects`` (layers, terms, targets),
``bases`` and ``structured`` (the arrays of a domain), ``trials`` (one experiment, and how it is drawn), ``readings``
(both sides, their distance, what rounding may explain), ``engine`` (Hypothesis draws, climbs and shrinks), ``exact`` (a
certificate that the kernel checks), ``telling`` (in words), ``files`` (kept, and read again).

Nothing here asks the calculus: a search that knew the answer would be no test of it.
"""
