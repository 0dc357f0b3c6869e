"""The door to libghostty-vt: the only module that imports pyghostty.

The library is young, so what the rest of the package needs of it passes through the few
functions below, and a change of its binding is mended here. Handles are freed with the Python
object that owns them.
"""

import json
import weakref
from collections.abc import Callable
from typing import Any

from pyghostty import ffi, lib
from pyghostty._ffi import union_fn

__all__ = ["CELL", "bits", "call", "ffi", "lib", "owned", "sized", "union_fn"]

# By-value unions cannot cross cffi's ABI mode: a struct of the same layout stands in.
ffi.cdef(
    """
    typedef struct {
        GhosttyTerminalScrollViewportTag tag; int64_t value; uint64_t _pad;
    } SSHDashScrollViewport;
    """
)


def call(result: int, what: str) -> None:
    """Raise RuntimeError naming `what` unless the library reports success."""
    if result != lib.GHOSTTY_SUCCESS:
        raise RuntimeError(f"libghostty: {what} failed with {result}")


def owned(
    owner: object, ctype: str, create: Callable[[Any], int], free: Callable[..., None]
) -> Any:
    """Return a new handle of `ctype`, freed when `owner` is."""
    box = ffi.new(f"{ctype}*")
    call(create(box), ctype)
    weakref.finalize(owner, free, box[0])
    return box[0]


def sized(ctype: str) -> Any:
    """Return a new struct whose ``size`` fields, its own and nested ones, are filled in."""
    box = ffi.new(f"{ctype}*")
    _fill_sizes(box)
    return box


def _fill_sizes(pointer: Any) -> None:
    struct = ffi.typeof(pointer).item
    for name, field in struct.fields:
        if name == "size":
            pointer.size = ffi.sizeof(struct)
        elif field.type.kind == "struct":
            _fill_sizes(ffi.addressof(pointer[0], name))


class _CellLayout:
    """Where the parts of a packed 64-bit cell are, read from the library's own manifest."""

    def __init__(self) -> None:
        manifest = json.loads(ffi.string(lib.ghostty_type_json()))
        cell = manifest["types"]["GhosttyCell"]["bits"]
        self.tag = bits(cell["content_tag"])
        self.content_shift = int(cell["content"]["lsb"])
        self.codepoint_width = int(
            cell["content"]["arms"]["CODEPOINT"]["bits"]["codepoint"]["width"]
        )
        self.style = bits(cell["style_id"])
        self.style_shift = int(cell["style_id"]["lsb"])
        self.wide = bits(cell["wide"])
        self.wide_shift = int(cell["wide"]["lsb"])
        self.hyperlink = bits(cell["hyperlink"])


def bits(field: dict[str, int]) -> int:
    """Return the mask of one bit field of the manifest."""
    return ((1 << field["width"]) - 1) << field["lsb"]


CELL = _CellLayout()
"""The layout of a cell: bit positions are not part of the library's ABI."""
