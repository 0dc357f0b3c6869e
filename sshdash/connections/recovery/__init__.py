"""Connections come back: when a lost one is noticed, dialled again and given up."""
