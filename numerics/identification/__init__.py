"""Which normalization is this function: answered from its values at chosen arrays, and from nothing else."""
