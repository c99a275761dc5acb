"""What comes in from outside: pictures and trained weights, read with suspicion."""
