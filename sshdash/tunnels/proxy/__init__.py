"""What clients of a SOCKS or HTTP proxy say, and what they are told. Pure."""
