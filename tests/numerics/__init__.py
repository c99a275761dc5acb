"""Tests of measurement: translations, layers, metrics, bounds, feature maps."""
