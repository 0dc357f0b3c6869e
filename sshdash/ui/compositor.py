"""Where each widget is on the screen, and what has to be painted again.

Textual marks what came and went for painting when it lays out. But whoever asks where a widget is
in between, as every row of a terminal that is drawn does, makes it take the new places in without a
mark: a notice that had gone stayed on the terminal until something else was drawn there.
"""

from textual._compositor import Compositor, CompositorMap


class MarkingCompositor(Compositor):
    """Textual's, which forgets nothing that it learns between two layouts."""

    @property
    def full_map(self) -> CompositorMap:
        """Return where all widgets are; places that changed are painted with the next update."""
        if not self._full_map_invalidated:
            return super().full_map
        before = self._full_map
        now = super().full_map
        for _, place in before.items() ^ now.items():
            if region := place.clip.intersection(place.region):
                self._dirty_regions.add(region)
        return now
