"""Accuracy against cost: many policies walked through logits that were computed once."""
