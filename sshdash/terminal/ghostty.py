"""The door to libghostty-vt: the only module that imports pyghostty.

The library is young, so what the rest of the package needs of it passes through the few
functions below, and a change of its binding is mended here. Handles are freed with the last
Python object that holds them.
"""

import json
from collections.abc import Callable
from typing import Any

from pyghostty import ffi, lib

__all__ = ["CELL", "array", "call", "callback", "ffi", "function", "lib", "new", "owned", "sized"]

# fmt: off
_TYPES = (
    "bool", "size_t", "uint16_t", "uint32_t", "uint64_t", "uint8_t", "SSHDashPalette",
    "SSHDashScrollViewport", "GhosttyCellsView", "GhosttyColorRgb", "GhosttyFormatter",
    "GhosttyFormatterTerminalOptions", "GhosttyGridRef", "GhosttyKeyEncoder", "GhosttyKeyEvent",
    "GhosttyMouseEncoder", "GhosttyMouseEncoderSize", "GhosttyMouseEvent",
    "GhosttyMousePosition", "GhosttyPointCoordinate", "GhosttyPointS", "GhosttyRenderState",
    "GhosttyRenderStateCursor", "GhosttyRenderStateDirty", "GhosttyRenderStateRowCells",
    "GhosttyRenderStateRowIterator", "GhosttyRenderStateRowSelection",
    "GhosttyRowSemanticPrompt", "GhosttySelection", "GhosttyString", "GhosttyStyle",
    "GhosttyTerminal", "GhosttyTerminalCompressionResult",
    "GhosttyTerminalModeConfig", "GhosttyTerminalScreen", "GhosttyTerminalScrollbar",
    "GhosttyTerminalSelectLineOptions", "GhosttyTerminalSelectWordBetweenOptions",
    "GhosttyTerminalSelectionFormatOptions", "GhosttyTrackedGridRef",
)
# fmt: on
_CALLBACKS = tuple(
    f"GhosttyTerminal{name}Fn"
    for name in (
        "Bell",
        "ClipboardWrite",
        "ColorScheme",
        "DesktopNotification",
        "DeviceAttributes",
        "ProgressReport",
        "PwdChanged",
        "RenderHold",
        "Size",
        "TitleChanged",
        "WritePty",
    )
)
# Unions cannot be passed by value through cffi's ABI mode: structs of the same layout stand in,
# and the functions that take them get another signature.
_FUNCTIONS = {
    "ghostty_terminal_grid_ref": "GhosttyResult(*{})(GhosttyTerminal, GhosttyPointS,"
    " GhosttyGridRef*)",
    "ghostty_terminal_grid_ref_track": "GhosttyResult(*{})(GhosttyTerminal, GhosttyPointS,"
    " GhosttyTrackedGridRef*)",
    "ghostty_terminal_scroll_viewport": "void(*{})(GhosttyTerminal, SSHDashScrollViewport)",
}


def _parse_types() -> dict[str, Any]:
    """Return every C type used here by its name.

    cffi parses a type anew for each spelling, some milliseconds each. All of them at once, when
    this is imported, are one such pause instead of forty in the middle of somebody's typing.
    """
    ffi.cdef(
        """
        typedef GhosttyColorRgb SSHDashPalette[256];
        typedef struct {
            GhosttyTerminalScrollViewportTag tag; int64_t value; uint64_t _pad;
        } SSHDashScrollViewport;
        """
    )
    fields = [f"{name}* {name}_;" for name in _TYPES]
    fields += [f"{name} {name}_;" for name in _CALLBACKS]
    fields += [f"{signature.format(name + '_')};" for name, signature in _FUNCTIONS.items()]
    ffi.cdef(f"typedef struct {{ {' '.join(fields)} }} SSHDashTypes;")
    parsed = {name[:-1]: field.type for name, field in ffi.typeof("SSHDashTypes").fields}
    return parsed | {name: ffi.typeof(name) for name in ("char[]", "uint8_t[]", "uint32_t[]")}


_PARSED = _parse_types()
_functions = {name: ffi.cast(_PARSED[name], ffi.addressof(lib, name)) for name in _FUNCTIONS}


def new(ctype: str, initial: Any = None) -> Any:
    """Return a pointer to a new `ctype`."""
    return ffi.new(_PARSED[ctype], initial)


def array(ctype: str, initial: bytes | int) -> Any:
    """Return a new array of `ctype`: of a length, or holding some bytes and a zero."""
    return ffi.new(_PARSED[f"{ctype}[]"], initial)


def callback(ctype: str, python: Callable[..., Any]) -> Any:
    """Return `python` as a C function of `ctype`; it lives as long as what is returned."""
    return ffi.callback(_PARSED[ctype], python)


def function(name: str) -> Any:
    """Return one of the library's functions that take a union by value."""
    return _functions[name]


def call(result: int, what: str) -> None:
    """Raise RuntimeError naming `what` unless the library reports success."""
    if result != lib.GHOSTTY_SUCCESS:
        raise RuntimeError(f"libghostty: {what} failed with {result}")


def owned(ctype: str, create: Callable[[Any], int], free: Callable[..., None]) -> Any:
    """Return a new handle of `ctype`, freed when nobody holds it any more."""
    box = new(ctype)
    call(create(box), ctype)
    return ffi.gc(box[0], free)


def sized(ctype: str) -> Any:
    """Return a new struct whose ``size`` fields, its own and nested ones, are filled in."""
    box = new(ctype)
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
        self.tag = _bits(cell["content_tag"])
        self.content_shift = int(cell["content"]["lsb"])
        self.codepoint_width = int(
            cell["content"]["arms"]["CODEPOINT"]["bits"]["codepoint"]["width"]
        )
        self.style = _bits(cell["style_id"])
        self.style_shift = int(cell["style_id"]["lsb"])
        self.wide = _bits(cell["wide"])
        self.wide_shift = int(cell["wide"]["lsb"])
        self.link = _bits(cell["hyperlink"])


def _bits(field: dict[str, int]) -> int:
    """Return the mask of one bit field of the manifest."""
    return ((1 << field["width"]) - 1) << field["lsb"]


CELL = _CellLayout()
"""The layout of a cell: bit positions are not part of the library's ABI."""
