"""Widgets: data comes down, messages go up, and none of them knows the backend."""
