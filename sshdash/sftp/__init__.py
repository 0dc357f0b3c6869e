"""Files on either end: entries, file systems, the browser model and the copy engine."""
