"""The keys of what the file panes open, as frames and the help name them."""

KEYS = " Space tick  a all  <> decide  u keep up to date  Enter run  ? all keys  Esc leave "
"""In the frame."""
SHORT_KEYS = " Space tick  a all  <> decide  Enter run  ? all keys  Esc leave "
"""In the frame where it is narrow."""
SYNC_TITLE = "Compare and sync"
SYNC_KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "Tick a step, or not; with a folder all that is in it"),
    ("a", "Tick all, or none"),
    ("w", "Go the other way, or both"),
    ("x", "Delete what the other end does not have, or not; both ways, begin anew"),
    ("c", "Compare what is in files of one size, or their times"),
    ("2", "Take times for the same that are within 2 s, as FAT keeps them"),
    ("p", "Leave out what matches patterns"),
    ("<", "Let the right side win a conflict"),
    (">", "Let the left side win a conflict"),
    ("Enter", "Do what is ticked"),
    ("u", "Do it, and keep the folder on the host up to date from then on"),
    ("r", "Compare again"),
    ("d", "Copy the list of what would be done"),
    ("y", "Copy the command that does the same"),
    ("Esc q", "Leave, and do nothing"),
)
"""Keys, and what they do."""
VIEW_TITLE = "A file in view"
VIEW_KEYS: tuple[tuple[str, str], ...] = (
    ("/", "Search; in bytes what is written as de ad, or text"),
    ("n N", "Go to the next match, to the one before"),
    ("g G", "Go to the first line, to the last"),
    ("← →", "Go along long lines"),
    ("w", "Fold long lines, or cut them off"),
    ("x", "Show the bytes, or no longer"),
    ("Esc q v", "Close"),
)
