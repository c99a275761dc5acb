"""Proof trees once more, as first-order statements for z3: what T is, is left open but for its laws.

Arrays are a sort without values, T is any function of arrays, and instead of the degrees of trigonometric polynomials
there is the invariance of energy. Of the moving axis of N = first + step m samples it is assumed that

    T(a + b) = T a + T b                     linearity
    T(c a) = c T a, T c = c                  for c constant along the axis
    T mean(a, S) = mean(T a, S)              commutation, S without the moving axis and with entries that move alike
    mean(T a, S) = mean(a, S)                S with the moving axis
    mean(T a T b, S) = mean(a b, S)          energy, S with the moving axis and band a + band b < N
    T(a b) = T a T b, T r(a) = r(T a)        shifts, which permute samples

where band a, the largest frequency of a along the axis, is a whole number with 2 band a <= N, at most what the domain
allows for x, 0 where a is constant, and no more than the sum of two for a product. So the parity of N is not among the
axioms: z3 finds it out where energy needs it. What is asked for each axis is layer(T x) = T layer(x). Everything is
finitely many instances on the subterms of the layer, without quantifiers. What the degrees know and this reading does
not is the behavior of an array between its samples, where T does not move it: it is not proved here that the mean of
(x^2 + x) x is invariant for 3K < N <= 4K, though by its degree it is.

``cross_check`` (in :mod:`proofs.prove.checking`) reads a certificate of the kind "typing" as plain data and needs the
extra ``prove``. ``python -m proofs.prove FILE``.
"""
