"""Why a host's configuration is as it is, as the card and the explain screen tell."""

from pathlib import Path

from textual.widgets import Static

from sshdash.config.explain import Explained
from sshdash.config.options import Origin
from sshdash.ui.explanation import Explanation, Group, Value, explanation
from sshdash.ui.screens.explain import ExplainScreen, explain_text
from tests.ui.conftest import Cockpit, Start

CONFIG = """\
Host *
    Port 22
    IdentityFile {key}
Host web
    HostName 10.0.0.1
    Port 2222
    ProxyJump gate
    EnableSSHKeysign yes
Host gate
    ProxyJump web
"""


def _config(folder: Path, text: str = CONFIG) -> Path:
    file = folder / "config"
    file.write_text(text.format(key=folder / "missing-key"))
    file.chmod(0o600)
    return file


async def _explained(c: Cockpit) -> ExplainScreen:
    await c.press("i")
    await c.until(lambda: isinstance(c.app.screen, ExplainScreen))
    screen = c.app.screen
    assert isinstance(screen, ExplainScreen)
    return screen


async def test_the_card_warns_of_what_bites(cockpit: Start, tmp_path: Path) -> None:
    async with cockpit(file=_config(tmp_path)) as c:
        card = c.app.workspace.cockpit.sidebar.card
        await c.until(lambda: card.facts and card.facts.warnings)
        assert card.facts.warnings == (
            "circle: web → gate → web",
            "missing-key is missing",
            "Host * hides Port 2222",
            "without effect: EnableSSHKeysign",
        )


def test_a_long_value_goes_on_below_itself() -> None:
    long = Value(5, "Ciphers", "aes128-ctr,aes256-ctr,aes128-gcm@openssh.com,chacha20-poly1305")
    lines = explain_text(Explanation("web", (), (Group("Host web", "", (long,)),), ()), 50)
    first, *more = lines.plain.splitlines()[1:4]
    assert first == "   5  Ciphers  aes128-ctr,aes256-ctr,aes128-gcm@op"
    assert more == ["               enssh.com,chacha20-poly1305", ""]


async def test_a_key_opens_every_value_with_its_line(cockpit: Start, tmp_path: Path) -> None:
    file = _config(tmp_path)
    async with cockpit(file=file) as c:
        screen = await _explained(c)
        lines = [line.split() for line in explain_text(screen.explanation, 200).plain.splitlines()]
        at = lines.index(["2", "Port", "22"])
        assert lines[at - 1] == ["Host", "*", str(file)]
        assert lines[at + 1] == f"came too late 2222 {file}:6, Host web".split()
        first_default = lines.index(["Defaults"])
        assert lines.index(["5", "HostName", "10.0.0.1"]) < first_default
        at = lines.index(["8", "EnableSSHKeysign", "yes"])
        assert lines[at + 1][:3] == ["without", "effect", "here:"]
        assert lines.index(["Compression", "no"]) > first_default
        assert ["→", "give", "gate", "ProxyJump", "none"] in lines
        await c.press("escape")
        await c.until(lambda: c.app.focused is c.hosts)


async def test_what_a_configuration_says_is_never_markup(cockpit: Start, tmp_path: Path) -> None:
    text = "Host web\n    User [@click=app.quit]x[/]\n    Hostname [/]\x1b]0;t\x07\n"
    async with cockpit(file=_config(tmp_path, text)) as c:
        await _explained(c)
        await c.until(lambda: "[@click=app.quit]x[/]" in c.drawn)
        assert "\x1b" not in c.drawn


async def test_a_host_that_does_not_resolve_is_told(cockpit: Start, tmp_path: Path) -> None:
    async with cockpit(file=_config(tmp_path, "Host web\n    Prot 22\n")) as c:
        await c.press("i")
        await c.until(lambda: any("prot" in words for words in c.told))
        assert not isinstance(c.app.screen, ExplainScreen)


async def test_a_small_screen_keeps_the_column_of_the_values(
    cockpit: Start, tmp_path: Path
) -> None:
    file = _config(tmp_path, "Host web\n    User " + "u" * 60 + "\n")
    async with cockpit(size=(80, 24), file=file) as c:
        screen = await _explained(c)
        text = screen.query_one("#explain-text", Static)
        await c.until(lambda: text.size.height > 1)
        parts = [line for line in str(text.content).splitlines() if "uuuu" in line]
        assert len(parts) > 1
        assert all(len(line) <= text.size.width for line in parts)
        assert {line.index("uuuu") for line in parts} == {parts[0].index("uuuu")}


def test_what_is_read_first_stands_first(tmp_path: Path) -> None:
    user = _config(tmp_path, "Host web\n    Port 2222\n")
    system = "/etc/ssh/ssh_config"
    found = [
        Explained(keyword, value, Origin(file, line, block))
        for keyword, value, file, line, block in (
            ("sendenv", "LANG", system, 51, "Host *"),
            ("port", "2222", str(user), 2, "Host web"),
            ("user", "me", "", 1, ""),
        )
    ]
    files = [group.file for group in explanation("web", found, ()).groups]
    assert files == ["", str(user), system]
