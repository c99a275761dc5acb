"""A network of PyTorch, layer by layer: what each one is, and how far it is from being equivariant."""
