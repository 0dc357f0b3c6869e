"""`sshdash hosts add|edit|rm|clone|move|undo`: changes of ssh_config, one host at a time."""

import argparse
import os
import sys
from itertools import pairwise

from sshdash.cli.context import tell
from sshdash.config.diff import shown
from sshdash.config.editor import ConfigEditor, settings_of
from sshdash.config.keywords import find_keyword
from sshdash.config.plan import Plan
from sshdash.config.source import ConfigSource, parse_override
from sshdash.config.spelling import REPEATED, canonical, literal, spelled
from sshdash.errors import UsageError
from sshdash.untrusted import clean

_FIELDS = {
    "hostname": ("HOST", "the address or real name (HostName)"),
    "user": ("NAME", "the user to log in as (User)"),
    "port": ("PORT", "the port of the server (Port)"),
    "identity": ("FILE", "the private key, the only one (IdentityFile)"),
    "jump": ("HOST", "the host to go through (ProxyJump)"),
}
_KEYWORDS = {"identity": "identityfile", "jump": "proxyjump"}
"""Keywords whose option has another name."""


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands below ``hosts``."""
    add = _command(commands, "add", "add a host")
    add.add_argument("name", nargs="+", metavar="NAME", help="what is typed after ssh")
    _add_fields(add)
    where = add.add_mutually_exclusive_group()
    where.add_argument("--file", metavar="FILE", help="add it to this file of the configuration")
    where.add_argument("--group", metavar="GROUP", help="add it to the included file of a group")
    add.set_defaults(plan=_add)

    edit = _command(commands, "edit", "change the settings of a host")
    edit.add_argument("name", metavar="NAME")
    _add_fields(edit)
    edit.add_argument("--rename", metavar="NEW", help="give it another name")
    edit.add_argument(
        "--unset", metavar="KEYWORD", action="append", default=[], help="take a setting away"
    )
    edit.add_argument(
        "--append",
        metavar="K=V",
        action="append",
        default=[],
        help="add a line to those of LocalForward, IdentityFile, …",
    )
    edit.set_defaults(plan=_edit)

    clone = _command(commands, "clone", "copy a host under another name")
    clone.add_argument("name", metavar="NAME")
    clone.add_argument("new", metavar="NEW")
    _add_fields(clone)
    clone.set_defaults(plan=_clone)

    remove = _command(commands, "rm", "remove a host")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument(
        "--block", action="store_true", help="also the other names on its Host line"
    )
    remove.set_defaults(plan=_remove)

    move = _command(commands, "move", "put a host before or after another in its file")
    move.add_argument("name", metavar="NAME")
    place = move.add_mutually_exclusive_group(required=True)
    place.add_argument("--before", metavar="OTHER")
    place.add_argument("--after", metavar="OTHER")
    move.set_defaults(plan=_move)

    undo = _command(commands, "undo", "take back the last edit")
    undo.set_defaults(plan=_undo)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=f"{words.capitalize()}.")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="print the change and write nothing"
    )
    parser.add_argument(
        "-F", dest="config", metavar="FILE", default=argparse.SUPPRESS, help="edit FILE"
    )
    parser.set_defaults(run=run)
    return parser


def _add_fields(parser: argparse.ArgumentParser) -> None:
    for name, (metavar, words) in _FIELDS.items():
        parser.add_argument(f"--{name}", metavar=metavar, help=words)
    parser.add_argument(
        "-o",
        dest="settings",
        metavar="K=V",
        action="append",
        default=[],
        help="any other keyword, as it is written in ssh_config",
    )


def run(arguments: argparse.Namespace) -> int:
    """Work out, prove and write one edit; with ``--dry-run`` print it instead."""
    editor = ConfigEditor(ConfigSource.standard(arguments.config))
    with editor.history.exclusive():
        plan: Plan = arguments.plan(editor, arguments)
        if not plan.changes:
            tell(f"sshdash: {plan.place}: it is so already; nothing was changed")
            return 0
        warnings = editor.prove(plan) if arguments.dry_run else editor.save(plan)
    if arguments.dry_run:
        _print_difference(plan.difference)
    else:
        _tell_done(plan)
    for warning in warnings:
        tell(f"sshdash: note: {warning}")
    still = editor.known().get(arguments.name) if arguments.plan is _remove else None
    if still and not arguments.dry_run:
        tell(f"sshdash: note: {clean(arguments.name)} is listed still: {still} names it too")
    return 0


def _tell_done(plan: Plan) -> None:
    """Tell what was done and where; to a person, line by line."""
    tell(f"sshdash: {plan.title}: {plan.place}")
    if sys.stderr.isatty():
        tell("\n".join(f"  {line}" for line in shown(plan.brief)[2:]))
    if plan.undoes is None:
        tell("  → sshdash hosts undo takes it back")


def _print_difference(difference: bytes) -> None:
    """Print what patch(1) reads; what a terminal shows is cleaned."""
    if sys.stdout.isatty():
        print("\n".join(shown(difference)))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(difference)
        sys.stdout.buffer.flush()


def _add(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    file = None
    if arguments.group is not None:
        file = editor.file_of_group(arguments.group)
    elif arguments.file is not None:
        file = os.path.abspath(os.path.expanduser(arguments.file))
    settings = {keyword: values for keyword, values in _settings(arguments).items() if values}
    for word, value in pairwise(arguments.name[1:]):
        if find_keyword(word.lower()):
            raise UsageError(
                f"{clean(word)} is a keyword of ssh_config, not a name",
                hint=f"-o {clean(word)}={clean(value)} sets it",
            )
    return editor.add(arguments.name, settings, editor.open(file))


def _edit(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    found = editor.find_plain(arguments.name)
    settings = _settings(arguments)
    for keyword in arguments.unset:
        settings[canonical(keyword)] = ()
    block = found.block
    for keyword, value in map(_pair, arguments.append):
        if keyword not in REPEATED:
            raise UsageError(
                f"{spelled(keyword)} has one value", hint=f"-o {spelled(keyword)}=… changes it"
            )
        settings[keyword] = (*settings.get(keyword, block.values(keyword)), value)
    for keyword in settings.keys() - REPEATED:
        if settings[keyword]:  # later lines of it have no effect, so they stay as they are
            settings[keyword] = (*settings[keyword][:1], *block.values(keyword)[1:])
    names = None
    if arguments.rename is not None:
        names = [arguments.rename if one == arguments.name else one for one in block.patterns]
    if not settings and names is None:
        raise UsageError(
            "Nothing to change was named",
            f"{found.place}: {', '.join(map(_shown, settings_of(block).items())) or 'no settings'}",
            "sshdash hosts edit --help",
        )
    return editor.change(found, settings, names)


def _shown(setting: tuple[str, tuple[str, ...]]) -> str:
    keyword, values = setting
    return clean(f"{spelled(keyword)} {values[0]}")


def _clone(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    return editor.clone(editor.find_plain(arguments.name), [arguments.new], _settings(arguments))


def _remove(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    found = editor.find_plain(arguments.name)
    others = [name for name in found.block.patterns if name != arguments.name]
    if others and not arguments.block:
        tell(f"sshdash: {clean(' '.join(others))} stays; --block removes the whole block")
        return editor.drop(found, arguments.name)
    return editor.remove(found)


def _move(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    other = editor.find(arguments.before or arguments.after)
    return editor.move(editor.find(arguments.name), other, after=arguments.after is not None)


def _undo(editor: ConfigEditor, arguments: argparse.Namespace) -> Plan:
    return editor.undo()


def _settings(arguments: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """Return what the options set; an empty value takes a setting away."""
    settings: dict[str, tuple[str, ...]] = {}
    for name in _FIELDS:
        value = getattr(arguments, name)
        keyword = _KEYWORDS.get(name, name)
        if value is not None:
            settings[keyword] = (literal(keyword, value),) if value else ()
    for keyword, value in map(_pair, arguments.settings):
        settings[keyword] = (*settings.get(keyword, ()), value)
    return settings


def _pair(text: str) -> tuple[str, str]:
    keyword, value = parse_override(text)
    return canonical(keyword), value
