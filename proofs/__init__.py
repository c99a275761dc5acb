"""Evidence: a verdict turned into text and JSON that stand alone."""
