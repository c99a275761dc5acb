"""Tests of the evidence: what a document says must be true by itself."""
