"""Turn a checkpoint into a checked bundle of programs."""
