"""Which process runs which rule: asked, told, handed over."""
