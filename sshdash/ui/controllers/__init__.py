"""What turns the requests of widgets into calls of the backend, and its failures into words."""
