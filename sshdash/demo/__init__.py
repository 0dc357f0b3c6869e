"""The embedded demo fleet: real SSH servers on loopback, gone when it ends."""
