"""Training: data, losses and the three stages."""
