"""Running a bundle's programs: one module per inference runtime."""
