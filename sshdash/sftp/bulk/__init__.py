"""Very many small files as one stream of tar, made by a program on the host."""
