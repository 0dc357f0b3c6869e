"""ssh_config(5), pure: no sockets, no event loop."""
