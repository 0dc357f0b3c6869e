"""Takes content of files apart: syntax, pictures, archives. Run as a process of its own.

What is in a file may be made to crash, to hang or to fill the memory of whatever looks into it;
so this does, which can be killed, and not the cockpit. It reads a `Task` and writes an `Outcome`.
"""

import io
import resource
import sys
from contextlib import suppress
from typing import Any

import msgspec

from sshdash.untrusted import clean

_MEMORY = 1024**3
_SECONDS = 10
PIXELS = 50_000_000
"""More than these are not unpacked."""
LOOKS = {"c": "comment", "k": "keyword", "s": "string", "v": "value", "n": "name", "d": "deleted"}
"""How the letters of a `Syntax` look."""
_FORMS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_SHEBANGS = {
    "sh": "bash", "dash": "bash", "bash": "bash", "zsh": "zsh", "fish": "fish",
    "python": "python", "perl": "perl", "ruby": "ruby", "node": "javascript", "lua": "lua",
    "awk": "awk", "php": "php",
}  # fmt: skip


class Look(msgspec.Struct, tag=True, frozen=True):
    """The syntax of a text of cleaned lines, of a file called `name`."""

    name: str
    lines: list[str]


class Draw(msgspec.Struct, tag=True, frozen=True):
    """A picture, in at most so many pixels, on a ground where it is transparent."""

    data: bytes
    width: int
    height: int
    ground: tuple[int, int, int]


class Open(msgspec.Struct, tag=True, frozen=True):
    """An archive of `size` bytes, of which this is the beginning, or of a zip file the end."""

    data: bytes
    size: int
    is_zip: bool


Task = Look | Draw | Open


class Syntax(msgspec.Struct, tag=True, frozen=True):
    """For each line a text of the same length, a letter of `LOOKS` or a space for a character."""

    language: str
    lines: list[str]


class Picture(msgspec.Struct, tag=True, frozen=True):
    """Rows of pixels, three bytes each."""

    width: int
    height: int
    pixels: bytes
    words: str
    """What it is: ``PNG, 640 × 480``."""


class Contents(msgspec.Struct, tag=True, frozen=True):
    """What is in an archive: name, size and time of each member."""

    form: str
    members: list[tuple[str, int, str]]
    note: str


class Failed(msgspec.Struct, tag=True, frozen=True):
    """Nothing can be shown; `reason` says why, cleaned."""

    reason: str


Outcome = Syntax | Picture | Contents | Failed


def work(task: Task) -> Outcome:
    """Do a task."""
    if isinstance(task, Look):
        return _look(task)
    if isinstance(task, Draw):
        return _draw(task)
    return _open(task)


def _open(task: Open) -> Outcome:
    from sshdash.sftp import archives

    try:
        listed = (archives.list_zip if task.is_zip else archives.list_tar)(task.data, task.size)
    except archives.NotListed as error:
        return Failed(str(error))
    members = [(one.name, one.size, one.when) for one in listed.members]
    return Contents(listed.form, members, listed.note)


def _draw(task: Draw) -> Outcome:
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the size is looked at here
    try:
        with Image.open(io.BytesIO(task.data), formats=_FORMS) as image:
            words = f"{image.format}, {image.width} × {image.height}"
            if image.width * image.height > PIXELS:
                return Failed(f"{words}: too many pixels")
            image.draft("RGB", (task.width * 2, task.height * 2))
            layer = image.convert("RGBA")
    except UnidentifiedImageError:
        return Failed("a damaged picture, or only the beginning of one")
    except Exception as error:  # hostile bytes bring many kinds of these
        if not isinstance(error, (OSError, ValueError, SyntaxError, MemoryError, EOFError)):
            raise
        return Failed(f"a damaged picture: {clean(str(error), 100)}")
    layer.thumbnail((task.width, task.height), Image.Resampling.BOX)
    ground = Image.new("RGBA", layer.size, (*task.ground, 255))
    flat = Image.alpha_composite(ground, layer).convert("RGB")
    return Picture(flat.width, flat.height, flat.tobytes(), words)


def _look(task: Look) -> Outcome:
    from pygments.token import Token
    from pygments.util import ClassNotFound

    try:
        lexer = _lexer(task)
    except ClassNotFound:
        return Failed("no language")
    if lexer.name == "Text only":
        return Failed("no language")
    looks = {
        Token.Comment: "c",
        Token.Keyword: "k",
        Token.Operator.Word: "k",
        Token.Literal.String: "s",
        Token.Literal.Number: "v",
        Token.Name.Function: "n",
        Token.Name.Class: "n",
        Token.Name.Tag: "k",
        Token.Name.Attribute: "n",
        Token.Name.Decorator: "n",
        Token.Name.Builtin: "v",
        Token.Name.Variable: "n",
        Token.Generic.Heading: "k",
        Token.Generic.Deleted: "d",
        Token.Generic.Inserted: "s",
    }
    text = io.StringIO()
    for kind, value in lexer.get_tokens("\n".join(task.lines)):
        while kind not in looks and kind.parent is not None:
            kind = kind.parent
        look = looks.get(kind, " ")
        text.write("\n".join(look * len(part) for part in value.split("\n")))
    return Syntax(lexer.name, text.getvalue().split("\n")[: len(task.lines)])


def _lexer(task: Look) -> Any:
    """Return what reads the language, by the name of the file or its first line."""
    from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
    from pygments.util import ClassNotFound

    options = {"stripnl": False, "ensurenl": False}
    with suppress(ClassNotFound):
        return get_lexer_for_filename(task.name, **options)
    first = task.lines[0] if task.lines else ""
    if first.startswith("#!"):
        program = first.removeprefix("#!").strip().removeprefix("/usr/bin/env ").split(" ")[0]
        name = program.rpartition("/")[2].rstrip("0123456789.")
        if name in _SHEBANGS:
            return get_lexer_by_name(_SHEBANGS[name], **options)
    if task.name.endswith(("rc", ".conf", ".cfg", "profile")):
        return get_lexer_by_name("bash" if "rc" in task.name else "ini", **options)
    raise ClassNotFound


def _confine() -> None:
    """Give this process bounds, where the system has them."""
    for what, bound in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))


def main() -> None:
    """Read a task from the standard input, write the outcome to the standard output."""
    _confine()
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.msgpack.encode(work(task)))


if __name__ == "__main__":
    main()
