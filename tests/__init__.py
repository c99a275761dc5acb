"""Tests of equinorm; the folders mirror the rooms."""
