"""How long a test waits for what comes at once on a machine that has nothing else to do."""

PATIENCE = 60.0
"""Seconds: many times what a loaded machine needs. Only a test that fails waits so long, so
whatever is to come sooner than something else has that other thing come much later than this."""
