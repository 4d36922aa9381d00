"""Procedurally rendered action clips: unlimited, seeded, free of any data set."""
