"""Every screen that lies above the workspace: made here, so that a start needs none of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sshdash.prompts import (
    ChangedKeyQuestion,
    ConfirmQuestion,
    ConflictQuestion,
    HostKeyQuestion,
    NoticeQuestion,
    Question,
    SecretQuestion,
)
from sshdash.terminal.links import Link, Verdict
from sshdash.ui.command import Place
from sshdash.ui.keymap import Keymap, key_text
from sshdash.ui.notices import Notice
from sshdash.ui.palette import WhyNot, help_sections, palette_choices, prefix_keys
from sshdash.ui.screens.changed_key import ChangedKeyDialog
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.conflict import ConflictScreen
from sshdash.ui.screens.dialog import Dialog
from sshdash.ui.screens.help import HelpScreen
from sshdash.ui.screens.host_key import HostKeyDialog
from sshdash.ui.screens.link import LinkDialog
from sshdash.ui.screens.log import LogScreen
from sshdash.ui.screens.notice import NoticeDialog
from sshdash.ui.screens.paste import PasteDialog
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.screens.prefix import PrefixScreen
from sshdash.ui.screens.secret import SecretDialog
from sshdash.ui.widgets.tabs import Tab
from sshdash.untrusted import clean

_FOR: dict[type[Question[Any]], Callable[[Any], Dialog[Any]]] = {
    HostKeyQuestion: HostKeyDialog,
    ChangedKeyQuestion: ChangedKeyDialog,
    SecretQuestion: SecretDialog,
    ConfirmQuestion: ConfirmDialog,
    ConflictQuestion: ConflictScreen,
    NoticeQuestion: NoticeDialog,
}


def dialog_for(question: Question[Any]) -> Dialog[Any]:
    """Return the dialog that asks a question of the backend."""
    return _FOR[type(question)](question)


def paste_dialog(pasted: str, detail: str) -> PasteDialog:
    """Return what shows a paste before it is sent; `detail` says what would happen."""
    return PasteDialog(pasted, detail)


def prefix_line(keymap: Keymap) -> PrefixScreen:
    """Return what waits for the key after the prefix."""
    return PrefixScreen(key_text(keymap.prefix), prefix_keys(keymap), keymap.repeats)


def palette(keymap: Keymap, place: Place, why_not: WhyNot) -> Picker:
    """Return the list of every command."""
    choices = palette_choices(keymap, place, why_not)
    return Picker("Commands", choices, "type part of a command")


def help_of(keymap: Keymap, place: Place) -> HelpScreen:
    """Return the help of a place."""
    return HelpScreen(place.value, help_sections(keymap, place))


def messages(notices: tuple[Notice, ...]) -> LogScreen:
    """Return the list of recent notices."""
    return LogScreen(notices)


def link_list(links: Sequence[Link]) -> Picker:
    """Return the list of the links in view."""
    choices = [
        Choice(
            str(number),
            clean(link.address),
            "" if link.text == link.address else clean(link.text),
        )
        for number, link in enumerate(links)
    ]
    return Picker("Links in view", choices, "type part of an address")


def tab_list(tabs: Mapping[str, Tab]) -> Picker:
    """Return the list of the tabs, by their numbers."""
    choices = [
        Choice(number, f"{number:>2} {tab.tab_title}", tab.tab_flag, mark=tab.tab_mark)
        for number, tab in tabs.items()
    ]
    return Picker("Tabs", choices, "type a number or part of a title")


def link_dialog(verdict: Verdict, label: str, host: str) -> LinkDialog:
    """Return what shows where a link leads."""
    return LinkDialog(verdict, label, host)
