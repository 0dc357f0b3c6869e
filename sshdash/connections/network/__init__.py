"""The way to a server: names, addresses, sockets and proxy commands."""
