"""Curves: the errors of a function against displacement, map size and band, and what it puts above its band."""
