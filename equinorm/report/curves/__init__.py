"""Four charts of any layer and any input: spectrum, displacement, size and band, with the numbers beside them."""
