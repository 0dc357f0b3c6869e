"""Port forwards with live counters: local, remote and dynamic."""
