"""Every screen of the cockpit, drawn from the demo fleet."""
