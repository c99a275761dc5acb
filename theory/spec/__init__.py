"""Specifications: layers, terms, actions, grids and domains as frozen data, in the standard library only.

Every reading of a specification (symbolic in ``theory``, numeric in ``numerics``) starts here and nowhere else.
"""
