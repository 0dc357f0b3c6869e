"""One shared, supervised, authenticated connection per resolved host."""
