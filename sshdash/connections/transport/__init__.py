"""Packets between a socket and its channels, and the algorithms that protect them."""
