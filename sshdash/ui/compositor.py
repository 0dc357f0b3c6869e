"""Where each widget is on the screen, and what has to be painted again.

Textual marks what came and went for painting when it lays out. But whoever asks where a widget is
in between, as every row of a terminal that is drawn does, makes it take the new places in without a
mark: a notice that had gone stayed on the terminal until something else was drawn there.

And for one row that changed it asks every widget in sight for all of its rows.
"""

from collections.abc import Iterable

from textual._compositor import Compositor, CompositorMap
from textual.geometry import Region
from textual.strip import Strip


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

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Return what widgets show within `crop`, the uppermost first: no row but of these."""
        if crop is None:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if not seen.overlaps(crop):
                continue
            top, bottom = max(seen.y, crop.y), min(seen.bottom, crop.bottom)
            rows = Region(seen.x, top, seen.width, bottom - top)
            yield rows, clip, widget.render_lines(rows.translate(-region.offset))
