"""Remote terminals: the emulator, its keyboard, and the session that feeds it."""
