"""Who logs in, and with what: agents, keys, passwords and the questions of a login."""
