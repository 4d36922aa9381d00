"""Dynamic network quantisation for video recognition on ARM and mobile CPUs."""
