"""``sshdash hosts add|edit|rm|clone|move|undo`` as a person types them."""

import subprocess
from pathlib import Path

import pytest

from sshdash.cli.main import main
from sshdash.config import proof
from tests.servers.programs import require

TEXT = """\
# The front door.
Host web www
    HostName 10.0.0.1
    IdentityFile ~/.ssh/one
    LocalForward 8080 localhost:80

Host db
    User admin

Host *
    Compression yes
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(proof, "which", lambda name: None)
    file = home / ".ssh" / "config"
    file.write_text(TEXT)
    file.chmod(0o600)
    return file


def hosts(*words: str) -> int:
    return main(["hosts", *words])


def test_add_writes_the_host_and_says_where(config: Path, capsys: Capture) -> None:
    assert hosts("add", "cache", "--hostname", "10.0.0.9", "-o", "ForwardAgent=yes") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "cache added: ~/.ssh/config:10" in said.err
    assert "hosts undo" in said.err
    block = "Host cache\n    HostName 10.0.0.9\n    ForwardAgent yes\n\nHost *\n"
    assert config.read_text() == TEXT.replace("Host *\n", block)


def test_a_keyword_written_as_in_the_file_is_no_further_name(config: Path, capsys: Capture) -> None:
    assert hosts("add", "cache", "HostName", "10.0.0.9") == 2
    said = capsys.readouterr().err
    assert "HostName is a keyword of ssh_config, not a name" in said
    assert "-o HostName=10.0.0.9 sets it" in said
    assert config.read_text() == TEXT
    assert hosts("add", "port", "tunnels") == 0


def test_a_list_without_hosts_says_how_to_add_one(config: Path, capsys: Capture) -> None:
    config.write_text("")
    assert hosts() == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "no hosts yet" in said.err
    assert "sshdash hosts add NAME" in said.err


def test_a_dry_run_prints_what_patch_reads(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    words = ("cache", "--user", "caf\udce9", "--identity", "~/my key", "--jump", "web,db")
    assert hosts("add", *words, "--dry-run") == 0
    difference = capfdbinary.readouterr().out
    assert config.read_text() == TEXT
    copy = tmp_path / "copy"
    copy.write_bytes(config.read_bytes())
    subprocess.run([require("patch"), "-s", str(copy)], input=difference, check=True)
    assert hosts("add", *words) == 0
    assert copy.read_bytes() == config.read_bytes()
    assert b'    User caf\xe9\n    IdentityFile "~/my key"\n    ProxyJump web,db\n' in (
        copy.read_bytes()
    )


def test_edit_sets_appends_and_takes_away(config: Path) -> None:
    more = ("--append", "IdentityFile=~/.ssh/two", "--append", "LocalForward=81 x:81")
    assert hosts("edit", "web", "--port", "2200", "--hostname", "h", *more) == 0
    assert config.read_text() == TEXT.replace("10.0.0.1", "h").replace(
        "    LocalForward 8080 localhost:80\n",
        "    IdentityFile ~/.ssh/two\n    LocalForward 8080 localhost:80\n"
        "    LocalForward 81 x:81\n    Port 2200\n",
    ).replace(
        "~/.ssh/one\n    IdentityFile ~/.ssh/two\n", "~/.ssh/one\n    IdentityFile ~/.ssh/two\n"
    )
    assert hosts("edit", "web", "--unset", "Port", "--unset", "localforward", "--user", "") == 0
    assert "Port" not in config.read_text()
    assert "LocalForward" not in config.read_text()


def test_rename_clone_and_move(config: Path) -> None:
    assert hosts("edit", "www", "--rename", "site") == 0
    assert "Host web site\n" in config.read_text()
    assert hosts("clone", "db", "db2", "--user", "root") == 0
    assert "Host db\n    User admin\n\nHost db2\n    User root\n\nHost *" in config.read_text()
    assert hosts("move", "db2", "--before", "web") == 0
    assert config.read_text().startswith("Host db2\n    User root\n\n# The front door.\nHost web")
    assert hosts("move", "db2", "--after", "db") == 0
    for _ in range(4):
        assert hosts("undo") == 0
    assert config.read_text() == TEXT


def test_rm_takes_one_name_or_the_block(config: Path) -> None:
    assert hosts("rm", "www") == 0
    assert config.read_text() == TEXT.replace("Host web www", "Host web")
    assert hosts("undo") == 0
    assert hosts("rm", "www", "--block") == 0
    assert config.read_text() == TEXT[TEXT.index("Host db") :]


def test_who_jumps_through_what_is_gone_is_told(config: Path, capsys: Capture) -> None:
    config.write_text(TEXT + "Host inner\n    ProxyJump me@db:22,web\nMatch user x\nProxyJump db\n")
    assert hosts("edit", "db", "--rename", "database") == 0
    assert "inner, Match user x jump through db" in capsys.readouterr().err
    assert hosts("rm", "www") == 0
    assert "jump" not in capsys.readouterr().err
    assert hosts("rm", "web") == 0
    assert "inner jumps through web" in capsys.readouterr().err


def test_a_name_of_two_blocks_is_told_to_be_listed_still(config: Path, capsys: Capture) -> None:
    config.write_text(TEXT + "Host db\n    Port 1\n")
    assert hosts("rm", "db") == 0
    assert "db is listed still: ~/.ssh/config:9 names it too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("add", "web"), 2, "There is a host “web” already"),
        (("add", "a*"), 2, "is a pattern"),
        (("add", "-x"), 2, ""),
        (("add", "x", "--port", "0"), 2, "bad port"),
        (("add", "x", "--hostname", "a\nProxyCommand evil"), 2, "control character"),
        (("add", "x", "-o", "Prot=1"), 1, "did you mean Port?"),
        (("add", "x", "-o", "Host=y"), 2, "begins another block"),
        (("add", "x", "--jump", "x"), 1, "loop"),
        (("add", "x", "--group", "none"), 2, "There is no group"),
        (("add", "x", "--file", "/etc/hostname"), 2, "not part of your configuration"),
        (("edit", "nobody", "--port", "1"), 2, "There is no host"),
        (("edit", "db"), 2, "User admin"),
        (("edit", "db", "--append", "Port=1"), 2, "has one value"),
        (("move", "db", "--before", "db"), 2, "same block"),
        (("undo",), 2, "nothing to undo"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    config: Path, capsys: Capture, words: tuple[str, ...], status: int, said: str
) -> None:
    try:
        result = hosts(*words)
    except SystemExit as error:  # argparse
        result = int(error.code or 0)
    assert result == status
    assert said in capsys.readouterr().err
    assert config.read_text() == TEXT


def test_a_group_is_an_included_file(config: Path) -> None:
    group = config.parent / "staging.conf"
    group.write_text("Host stage\n  User me\n")
    group.chmod(0o600)
    config.write_text(f"Include staging.conf\n{TEXT}")
    assert hosts("add", "stage-2", "--group", "staging", "--user", "you") == 0
    assert group.read_text() == "Host stage\n  User me\n\nHost stage-2\n  User you\n"
    assert hosts("edit", "stage", "--unset", "user") == 0
    assert group.read_text() == "Host stage\n\nHost stage-2\n  User you\n"
    assert config.read_text() == f"Include staging.conf\n{TEXT}"


def test_what_is_so_already_is_no_edit(config: Path, capsys: Capture) -> None:
    assert hosts("edit", "db", "--user", "admin") == 0
    assert "it is so already" in capsys.readouterr().err
    assert hosts("undo") == 2


def test_the_list_stays_as_it_was(config: Path, capsys: Capture) -> None:
    assert hosts() == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "web",
        "www",
        "db",
    ]
    assert hosts("--json") == 0
    assert '"alias": "web"' in capsys.readouterr().out


def test_another_file_is_edited_where_it_is_named(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("Host a\r\n\tUser b\r\n")
    assert main(["-F", str(other), "hosts", "add", "c", "--user", "d"]) == 0
    assert hosts("rm", "a", "-F", str(other)) == 0
    assert other.read_bytes() == b"Host c\r\n\tUser d\r\n"
    assert config.read_text() == TEXT
