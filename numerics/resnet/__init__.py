"""ResNet-18 without its classifier: the source of real feature maps, on any array library."""
