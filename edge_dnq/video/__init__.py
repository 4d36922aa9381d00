"""Frames: sources, sampling, preprocessing, drawing."""
