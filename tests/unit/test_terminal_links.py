"""Links of a remote: where they are, what they are under, and which may be opened."""

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.links import find_addresses, judge
from sshdash.terminal.view_links import ViewLinks


def links(data: str, columns: int = 40, rows: int = 6) -> ViewLinks:
    emulator = Emulator(columns, rows)
    emulator.feed(data.encode())
    return ViewLinks(emulator)


def link(address: str, text: str, parameters: str = "") -> str:
    return f"\x1b]8;{parameters};{address}\x1b\\{text}\x1b]8;;\x1b\\"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("(http://a.example/x_(y))", ["http://a.example/x_(y)"]),
        ("<https://a.example>, mailto:me@a.example!", ["https://a.example", "mailto:me@a.example"]),
        ("ssh://me@a.example:22 or a.example", ["ssh://me@a.example:22"]),
        ("file:///etc/passwd javascript:alert(1) xhttps://a", []),
        ("https://", []),
        ('"https://a.example/?q=1&b=2#c"', ["https://a.example/?q=1&b=2#c"]),
    ],
)
def test_addresses_in_plain_text(text: str, found: list[str]) -> None:
    assert [address for _, _, address in find_addresses(text)] == found
    assert all(text[start:end] == address for start, end, address in find_addresses(text))


def test_looking_for_addresses_takes_no_longer_than_the_text() -> None:
    assert list(find_addresses("https://" + "(" * 100_000))
    assert not list(find_addresses("https:/" * 100_000))


@pytest.mark.parametrize(
    "address", ["https://a.example/x", "http://a.example", "ssh://me@a.example:22", "mailto:me@a.b"]
)
def test_what_may_be_opened(address: str) -> None:
    verdict = judge(address)
    assert not verdict.refusal
    assert not verdict.warnings
    assert verdict.shown == address


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "file: addresses"),
        ("javascript:alert(1)", "javascript: addresses"),
        ("JaVaScRiPt:alert(1)", "javascript: addresses"),
        ("data:text/html,x", "data: addresses"),
        ("vscode://x", "vscode: addresses"),
        ("a.example/x", "not a whole address"),
        ("", "not a whole address"),
        ("https://a.example/\x1b[2Jx", "do not show"),
        ("https://a.example/a b", "do not show"),
        ("https://a.example/\u202egpj.exe", "do not show"),
        ("https://a.example/" + "x" * 1_000_000, "longer than"),
        ("https:///x", "no host"),
        ("https://[::1", "not a valid"),
        ("http://a.example:999999/", "not a valid"),
        ("ssh://-oProxyCommand=id@a", "not one of a host"),
        ("ssh://-oProxyCommand=id", "not one of a host"),
        ("ssh://a$(id)/", "not one of a host"),
    ],
)
def test_what_is_refused(address: str, reason: str) -> None:
    verdict = judge(address)
    assert reason in verdict.refusal
    assert len(verdict.shown) <= 2048
    assert verdict.shown.isprintable()


@pytest.mark.parametrize(
    ("address", "text", "warning"),
    [
        ("https://аpple.com/", "", "xn--pple-43d.com"),
        ("https://xn--pple-43d.com/", "", "not plain ASCII"),
        ("https://bank.example@evil.example/", "", "that is evil.example"),
        ("https://evil.example/", "https://bank.example/login", "names another host: bank.example"),
        ("https://evil.example/", "bank.example", "names another host: bank.example"),
        ("http://127.0.0.1:8080/", "", "this machine"),
        ("http://localhost/", "", "this machine"),
        ("http://192.168.0.1/reboot", "", "local network"),
        ("http://169.254.169.254/", "", "local network"),
    ],
)
def test_what_is_warned_of(address: str, text: str, warning: str) -> None:
    verdict = judge(address, text)
    assert not verdict.refusal
    assert any(warning in one for one in verdict.warnings), verdict.warnings


@pytest.mark.parametrize("text", ["click here", "read README.md: it says", "https://a.example/2"])
def test_a_text_that_names_no_other_host_is_not_warned_of(text: str) -> None:
    assert not judge("https://a.example/1", text).warnings


def test_the_link_under_a_cell() -> None:
    found = links("go " + link("https://real.example/x", "there") + " now")
    assert found.at(2, 0) is None
    for column in (3, 7):
        one = found.at(column, 0)
        assert one is not None
        assert (one.address, one.text, one.column) == ("https://real.example/x", "there", 3)
    assert found.at(8, 0) is None
    assert found.at(0, 99) is None


def test_an_address_over_wrapped_rows_is_one() -> None:
    address = "https://a.example/" + "x" * 50
    found = links(f"漢字 {address} end")
    for place in ((5, 0), (0, 1), (20, 1)):
        one = found.at(*place)
        assert one is not None
        assert one.address == address
    assert found.at(0, 0) is None
    separate = links("https://a.example/\r\nxyz")
    one = separate.at(0, 0)
    assert one is not None
    assert one.address == "https://a.example/"
    assert separate.at(0, 1) is None


def test_links_in_view_are_listed_once_the_lowest_first() -> None:
    found = links(
        link("https://one.example", "one")
        + "\r\nhttps://two.example\r\n"
        + link("https://one.example", "again")
        + link("https://three.example", "three")
        + "\r\n"
        + link("https://evil.example", "https://good.example")
    )
    assert [(one.address, one.text) for one in found.all()] == [
        ("https://evil.example", "https://good.example"),
        ("https://one.example", "again"),
        ("https://three.example", "three"),
        ("https://two.example", "https://two.example"),
    ]


def test_a_link_of_a_megabyte_is_none() -> None:
    assert links(link("https://a.example/" + "x" * 1_000_000, "big")).all() == []


def test_links_scroll_with_their_text() -> None:
    emulator = Emulator(40, 5)
    emulator.feed(link("https://a.example", "up there").encode() + b"\r\n" * 10)
    found = ViewLinks(emulator)
    assert found.all() == []
    emulator.scroll_by(-100)
    assert [one.address for one in found.all()] == ["https://a.example"]


def test_links_are_marked_for_drawing() -> None:
    emulator = Emulator(20, 2)
    emulator.feed(("a" + link("https://a.example", "b\x1b[31mc\x1b[m") + "d").encode())
    runs = emulator.take_damage().lines[0].runs
    assert [(run.text.rstrip(), run.style.link) for run in runs] == [
        ("a", False),
        ("b", True),
        ("c", True),
        ("d", False),
    ]
    assert runs[2].style.foreground == 1
