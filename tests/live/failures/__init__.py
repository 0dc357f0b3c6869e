"""Every failure that must read well, made to happen for real: see `catalogue`."""
