"""`sshdash hosts` and `sshdash resolve`: data on stdout, trouble on stderr."""

import json
from pathlib import Path

import pytest

from sshdash.cli.main import main

TEXT = """\
Host web
  HostName 10.0.0.1
  User bob
  ProxyJump bastion
  LocalForward 8080 db:80
Host bastion
  Port 2222
Host *
  User root
"""


@pytest.fixture
def config(home: Path) -> Path:
    """Write a configuration that is right."""
    file = home / "ssh config"
    file.write_text(TEXT)
    return file


def test_hosts_are_a_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-F", str(config), "hosts"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "web      bob@10.0.0.1:22    via bastion  L 8080 → db:80",
        "bastion  root@bastion:2222",
    ]
    assert output.err == ""


def test_hosts_are_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-F", str(config), "hosts", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["problems"] == []
    assert document["hosts"][0] == {
        "alias": "web",
        "file": str(config),
        "line": 1,
        "group": "",
        "user": "bob",
        "hostname": "10.0.0.1",
        "port": 22,
        "route": ["bastion"],
        "forwards": ["L 8080 → db:80"],
        "identity": "",
    }


def test_a_wrong_line_is_told_and_the_rest_listed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "config"
    file.write_text("Host web\n  Prot 22\nHost db\x1b]0;x\n")
    assert main(["-F", str(file), "hosts"]) == 1
    output = capsys.readouterr()
    assert [line.split()[0] for line in output.out.splitlines()] == ["web", "db\\x1b]0;x"]
    assert f"sshdash: {file}:2: bad configuration option: prot" in output.err.splitlines()
    assert "\x1b" not in output.out + output.err


def test_resolve_prints_every_value(
    config: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["-F", str(config), "-o", "User=caf\udce9", "resolve", "web"]) == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert lines[:4] == [b"host web", b"user caf\xe9", b"hostname 10.0.0.1", b"port 22"]
    assert lines[-1] == b"proxyjump bastion"
    assert b"localforward 8080 [db]:80" in lines


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["resolve", "web;id"], "not a destination"),
        (["-o", "Prot=1", "resolve", "web"], "-o Prot=1"),
        (["-o", "Port=x", "resolve", "web"], "bad port 'x'"),
    ],
)
def test_resolve_ends_as_ssh_does(
    config: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-F", str(config), *words]) == 255
    output = capsys.readouterr()
    assert output.out == ""
    assert told in output.err


def test_resolve_names_file_and_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "config"
    file.write_text("Host web\n  Prot 22\n")
    assert main(["-F", str(file), "resolve", "web"]) == 255
    assert f"{file}:2" in capsys.readouterr().err
    assert main(["-F", str(home / "missing"), "resolve", "web"]) == 255
    assert "Cannot open" in capsys.readouterr().err
