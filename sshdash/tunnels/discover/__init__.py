"""What listens on a host, and what is offered of it."""
