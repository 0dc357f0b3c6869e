"""Listening ends, channels and the bytes between them, one kind of forward each."""
