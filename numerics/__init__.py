"""Measurement: translations, layers, metrics and feature maps as pure functions of an array namespace."""
