"""Forwards that are kept by name: their file, and how other programs would say them."""
