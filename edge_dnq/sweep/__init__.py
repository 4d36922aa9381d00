"""Accuracy against cost: many policies tried on what every program says, computed once."""
