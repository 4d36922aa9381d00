"""Imported checkpoints as programs: integer graphs, float32 programs, a checked bundle."""
