"""Whether a server is the one that is meant: host keys, and what is known of them."""
