"""Random edits of random configurations: what the installed ssh says of every other host stays."""

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from sshdash.config.catalog import load_catalog
from sshdash.config.editor import ConfigEditor
from sshdash.config.plan import Found, Plan
from sshdash.config.source import ConfigSource
from sshdash.config.spelling import literal
from sshdash.errors import ConfigError, UsageError
from tests.live.config_generator import random_case
from tests.live.config_oracle import require_oracle

_CASES = int(os.environ.get("SSHDASH_EDIT_CASES", "120"))
_PLAIN = (
    "Host web\n    Port 7\n",
    "# of db\nHost db-1 db-2\nUser x",
    "Host a.example.com\n\tUser y\n",
)
"""Blocks that can be edited, put between the random ones."""
_HOSTS = ("web", "db-1", "Db-1", "10.0.0.7", "a.example.com", "bastion", "added", "copy", "nobody")
_INCLUDE = re.compile(r"(?P<word>Include\s+)(~/\.ssh/)?conf\.d", re.IGNORECASE)
_SETTINGS = {
    "user": ("bob", '"two words"', "DOMAIN\\user"),
    "hostname": ("10.1.2.3", "%h.example.org"),
    "port": ("2200",),
    "identityfile": ("~/.ssh/one", '"~/with space"'),
    "proxycommand": ("nc %h %p # not a comment",),
    "localforward": ("8080 localhost:80", "8081 db:5432"),
}


@pytest.fixture(autouse=True)
def oracle() -> None:
    require_oracle()


def answers(file: Path) -> dict[str, tuple[int, bytes]]:
    """Return what ssh says of each host."""
    return {host: _answer(file, host) for host in _HOSTS}


def _answer(file: Path, host: str) -> tuple[int, bytes]:
    done = subprocess.run(
        ["ssh", "-F", str(file), "-G", "--", host],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


def written(seed: int, home: Path) -> list[Path]:
    """Write a random configuration and return its files, the main one first."""
    case = random_case(seed)
    folder = home / ".ssh" / "conf.d"
    main = _with_plain_blocks(case.text, random.Random(seed))
    files = {home / ".ssh" / "config": main}
    files |= {home / ".ssh" / name: text for name, text in case.includes.items()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = _INCLUDE.sub(rf"\g<word>{folder}", text)
        path.write_bytes(whole.encode("utf-8", "surrogateescape"))
        path.chmod(0o600)
    return list(files)


def _with_plain_blocks(text: str, choose: random.Random) -> str:
    parts = re.split(r"(?im)^(?=(?:host|match)\b)", text)
    for block in _PLAIN:
        parts.insert(choose.randint(1, len(parts)), f"{block}\n")
    return "".join(f"{part}\n" if not part.endswith("\n") else part for part in parts)


def worked_out(editor: ConfigEditor, choose: random.Random) -> tuple[Plan, set[str]]:
    """Return a random edit and the hosts it may change. Raises UsageError."""
    listed = [host.alias for host in load_catalog(editor.source).hosts]
    settings = {
        keyword: choose.sample(values, choose.randint(0, len(values)))
        for keyword, values in _SETTINGS.items()
        if choose.random() < 0.5
    }
    kind = choose.choice(("add", "change", "clone", "remove", "move", "rename"))
    if kind == "add" or not listed:
        wanted = {keyword: values for keyword, values in settings.items() if values}
        return editor.add(["added"], wanted), {"added"}
    found: Found = editor.find_plain(choose.choice(listed))
    names = set(found.block.patterns)
    if kind == "change":
        return editor.change(found, settings), names
    if kind == "rename":
        return editor.change(found, {}, ["added"]), names | {"added"}
    if kind == "clone":
        return editor.clone(found, ["copy"], settings), {"copy"}
    if kind == "remove":
        return editor.remove(found), names
    return editor.step(found, choose.choice((-1, 1))), names


def others_than(names: set[str], said: dict[str, tuple[int, bytes]]) -> list[str]:
    """Return the hosts that are not called so, also not once their address has been found.

    A final pass reads the Host lines with the address in the place of the name.
    """
    return [
        host
        for host, (status, answer) in said.items()
        if status == 0  # what was refused may be so no more
        and host not in names
        and not any(f"\nhostname {name}\n".encode() in answer for name in names)
    ]


@pytest.mark.timeout(900)
def test_only_the_edited_host_changes_and_undo_restores_every_byte(home: Path) -> None:
    edited = refused = 0
    for seed in range(_CASES):
        files = written(seed, home)
        before = {path: path.read_bytes() for path in files}
        editor = ConfigEditor(ConfigSource.standard(str(files[0])))
        try:
            plan, names = worked_out(editor, random.Random(seed))
            said = answers(files[0])
            editor.save(plan)
        except (UsageError, ConfigError):
            refused += 1
            assert {path: path.read_bytes() for path in files} == before, f"seed {seed}"
            continue
        edited += plan.changes
        now = answers(files[0])
        for host in others_than(names, said):
            assert now[host] == said[host], f"seed {seed}: {plan.title} changed {host}"
        assert all(now[name][0] == 0 for name in plan.names if name in now), f"seed {seed}"
        others = [path for path in files if str(path) != plan.version.path]
        assert all(path.read_bytes() == before[path] for path in others), f"seed {seed}"
        if plan.changes:
            editor.save(editor.undo())
        assert {path: path.read_bytes() for path in files} == before, f"seed {seed}"
    assert edited > _CASES // 5, f"{edited} edits, {refused} refused"


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("name", ["plain.conf", "with space.conf", "odd [1]*?'.conf"])
def test_what_this_ssh_does_not_know_is_not_written(home: Path, name: str) -> None:
    """Our own reading knows keywords of later releases; the installed ssh has a say too."""
    included = put(home / "conf.d" / name, "Host web\n    Port 7\n")
    main = put(home / "main", f'Include "{home}/conf.d/*.conf"\nHost other\n')
    editor = ConfigEditor(ConfigSource.standard(str(main)))
    with pytest.raises(ConfigError, match="would refuse") as caught:
        editor.save(editor.change(editor.find("web"), {"tag": ["x"]}))
    assert (caught.value.file, caught.value.line) == (str(included), 3)
    assert included.read_text() == "Host web\n    Port 7\n"
    editor.save(editor.change(editor.find("web"), {"port": ["8"]}))
    assert included.read_text() == "Host web\n    Port 8\n"
    assert b"\nport 8\n" in _answer(main, "web")[1]


def test_a_file_included_from_an_included_one_is_proven_in_its_place(home: Path) -> None:
    deep = put(home / "deep.conf", "Host web\n    UseKeychain yes\n")
    middle = put(home / "middle.conf", f"Host *\nInclude {deep}\n")
    main = put(home / "main", f"IgnoreUnknown UseKeychain\nInclude {middle}\n")
    before = [file.read_text() for file in (main, middle)]
    editor = ConfigEditor(ConfigSource.standard(str(main)))
    editor.save(editor.change(editor.find("web"), {"user": ["me"]}))
    assert deep.read_text() == "Host web\n    UseKeychain yes\n    User me\n"
    assert [file.read_text() for file in (main, middle)] == before
    put(main, f"Include {middle}\n")
    with pytest.raises(ConfigError) as caught:
        editor.save(editor.change(editor.find("web"), {"user": ["you"]}))
    assert (caught.value.file, caught.value.line) == (str(deep), 2)


def test_values_with_odd_characters_reach_ssh_as_they_were_meant(home: Path) -> None:
    main = put(home / "main", "Host first\n")
    source = ConfigSource.standard(str(main))
    wanted = {
        "user": ("two words", "DOMAIN\\user", "#x", 'q"uote', "caf\udce9", "a=b", "=x"),
        "identityfile": ("/a b/c", '/q"x', "/back\\slash", "/it's"),
        "proxycommand": ("sh -c 'nc \"%h\" %p' # all of it",),
    }
    for keyword, values in wanted.items():
        for number, value in enumerate(values):
            editor, name = ConfigEditor(source), f"{keyword}{number}"
            editor.save(editor.add([name], {keyword: [literal(keyword, value)]}))
            said = os.fsdecode(_answer(main, name)[1]).replace("%%", "%")
            expected = value.replace("%h", name).replace("%p", "22")
            assert f"\n{keyword} {expected}\n" in said or f"\n{keyword} {value}\n" in said
