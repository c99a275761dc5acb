"""Emission: verdicts written down, as a document of plain data and as text for people."""
