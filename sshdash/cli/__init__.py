"""The scriptable front end: one module per command, data on stdout, narration on stderr."""
