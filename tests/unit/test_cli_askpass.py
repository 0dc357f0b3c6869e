"""SSH_ASKPASS: when it is used, and what it is told."""

import asyncio
import os
import pty
from pathlib import Path

import msgspec
import pytest

from sshdash.cli import prompter
from sshdash.cli.askpass import AskpassPrompter, run_program
from sshdash.cli.prompter import TtyPrompter, choose_prompter
from sshdash.prompts import (
    ConfirmQuestion,
    HostKeyAnswer,
    HostKeyQuestion,
    NoticeQuestion,
    Prompter,
    RefusingPrompter,
    SecretPrompt,
    SecretQuestion,
)
from tests.live.connecting import until
from tests.patience import PATIENCE

TWO = SecretQuestion(
    "db-1", "Two factors", (SecretPrompt("Password:"), SecretPrompt("Code\x1b[2J:", True)), "Hello"
)
KEY = HostKeyQuestion("db-1", "10.0.0.5:22", ("db-1",), "ED25519", 256, "SHA256:abc", "/known")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a program that keeps what it is asked and answers from a file, line by line."""
    path = tmp_path / "askpass"
    path.write_text(
        "#!/bin/sh\n"
        f'printf "%s|%s\\n" "$SSH_ASKPASS_PROMPT" "$1" >> {tmp_path}/asked\n'
        f"head -n 1 {tmp_path}/answers\n"
        f"test -s {tmp_path}/answers || exit 1\n"
        f"sed -i 1d {tmp_path}/answers\n"
    )
    path.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(path))
    monkeypatch.setattr(prompter, "_TERMINAL", str(tmp_path / "no-terminal"))
    return path


def write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}")


def answer(program: Path, *lines: str) -> AskpassPrompter:
    (program.parent / "answers").write_text("".join(f"{line}\n" for line in lines))
    return AskpassPrompter(str(program))


async def test_a_program_hears_the_words_of_ssh_where_ssh_asks_the_same(program: Path) -> None:
    prompter = answer(program, "one", "two", "three")
    words = "Enter passphrase for key '/home/me/.ssh/id': "
    asked = SecretQuestion("web", "Passphrase for it", (SecretPrompt("Passphrase: ", words=words),))
    assert await prompter.ask(asked) == ("one",)
    told = msgspec.structs.replace(asked, instructions="The saved one is wrong")
    assert await prompter.ask(told) == ("two",)
    assert (program.parent / "asked").read_text().split("\n")[:2] == [
        f"|{words}",
        "|The saved one is wrong",
    ]
    assert await answer(program).ask(asked) is None


@pytest.mark.parametrize(
    ("require", "display", "terminal", "expected"),
    [
        ("", ":0", False, AskpassPrompter),
        ("", "", False, RefusingPrompter),
        ("", ":0", True, TtyPrompter),
        ("prefer", ":0", True, AskpassPrompter),
        ("prefer", "", True, TtyPrompter),
        ("force", "", True, AskpassPrompter),
        ("FORCE", "", False, AskpassPrompter),
        ("never", ":0", False, RefusingPrompter),
        ("never", ":0", True, TtyPrompter),
    ],
)
def test_who_answers_is_decided_as_ssh_decides_it(
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
    require: str,
    display: str,
    terminal: bool,
    expected: type,
) -> None:
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", require)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    ours, theirs = pty.openpty()
    try:
        if terminal:
            monkeypatch.setattr(prompter, "_TERMINAL", os.ttyname(theirs))
        assert type(choose_prompter()) is expected
    finally:
        os.close(ours)
        os.close(theirs)


async def test_each_prompt_is_one_run_and_shows_what_led_to_it(program: Path) -> None:
    assert await answer(program, "secret", "123456").ask(TWO) == ("secret", "123456")
    asked = (program.parent / "asked").read_text()
    assert asked == "|Hello\nTwo factors\n(db-1) Password: \n|(db-1) Code\\x1b[2J: \n"


async def test_a_program_is_not_asked_with_the_banner(program: Path) -> None:
    """It is on stderr already, and a program that looks for a word finds it in the prompt alone."""
    banner = "your password is never asked for by phone"
    code = (SecretPrompt("Code:"),)
    question = SecretQuestion("web", "Login", code, f"{banner}\nSecond factor", banner=banner)
    assert await answer(program, "1").ask(question) == ("1",)
    assert (program.parent / "asked").read_text() == "|Second factor\nLogin\n(web) Code: \n"


async def test_what_a_server_says_is_no_option_of_the_program(program: Path) -> None:
    question = SecretQuestion("web", "Login", (SecretPrompt("Code:"),), "--help me")
    assert await answer(program, "1").ask(question) == ("1",)
    assert (program.parent / "asked").read_text().startswith("| --help me\n")


async def test_what_was_typed_before_the_question_does_not_answer_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither for ssh: lines that were pasted behind the command accept no host key."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(prompter, "_TERMINAL", os.ttyname(theirs))
    terminal: Prompter = TtyPrompter()

    async def ask() -> HostKeyAnswer | None:
        return await terminal.ask(KEY)

    loop = asyncio.get_running_loop()
    shown: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(ours, lambda: shown.put_nowait(os.read(ours, 4096)))
    try:
        os.write(ours, b"yes\n")
        async with asyncio.timeout(PATIENCE):
            text = await shown.get()  # the terminal has it, and echoed it
            asking = asyncio.create_task(ask())
            while b"fingerprint])?" not in text:
                text += await shown.get()
            os.write(ours, b"no\n")
            assert await asking is None
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_a_dismissed_program_dismisses_the_question(program: Path) -> None:
    assert await answer(program).ask(TWO) is None
    assert await AskpassPrompter("/no/such/program").ask(TWO) is None


async def test_an_answer_may_come_in_pieces_and_has_an_end(program: Path) -> None:
    begun, go = program.parent / "begun", program.parent / "go"
    waiting = f"while [ ! -e {go} ]; do sleep 0.02; done"
    write(program, f"printf se\n: >{begun}\n{waiting}\necho cret\n")
    asking = asyncio.create_task(run_program(str(program), "Password:"))
    await until(begun.exists)
    go.touch()
    assert await asking == "secret"
    write(program, "exec yes\n")
    async with asyncio.timeout(PATIENCE):
        assert await run_program(str(program), "Password:") is None


async def test_host_keys_and_confirmations(program: Path) -> None:
    assert await answer(program, "maybe", "yes").ask(KEY) is HostKeyAnswer.ACCEPT
    assert await answer(program, "no").ask(KEY) is None
    question = ConfirmQuestion("Add it?", "to the agent")
    for line, expected in (("", True), ("yes", True), ("no", False)):
        assert await answer(program, line).ask(question) is expected
    assert await answer(program).ask(question) is False
    assert "confirm|Add it?\nto the agent\nYes?" in (program.parent / "asked").read_text()


async def test_a_notice_ends_with_the_program(tmp_path: Path) -> None:
    path = tmp_path / "askpass"
    path.write_text(f'#!/bin/sh\necho "$SSH_ASKPASS_PROMPT $$" > {tmp_path}/pid\nexec sleep 60\n')
    path.chmod(0o700)
    prompter: Prompter = AskpassPrompter(str(path))

    async def ask() -> None:
        await prompter.ask(NoticeQuestion("Touch it"))

    asking = asyncio.create_task(ask())
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    hint, pid = (tmp_path / "pid").read_text().split()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert hint == "none"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


async def test_a_notice_on_the_terminal_waits_and_holds_up_no_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setattr(prompter, "_TERMINAL", os.ttyname(theirs))
    terminal: Prompter = TtyPrompter()
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(ours, lambda: told.put_nowait(os.read(ours, 4096)))

    async def show() -> None:
        await terminal.ask(NoticeQuestion("Touch your key: t\x1b[2J", "ED25519-SK", "db-1"))

    try:
        showing = asyncio.create_task(show())
        async with asyncio.timeout(PATIENCE):
            shown = b""
            while b"ED25519-SK" not in shown:
                shown += await told.get()
            assert b"(db-1) Touch your key: t\\x1b[2J" in shown
            question = SecretQuestion("web", "", (SecretPrompt("Code:", True),))
            answers: list[tuple[str, ...] | None] = []

            async def ask() -> None:
                given = await terminal.ask(question)
                answers.append(given)

            asking = asyncio.create_task(ask())
            while b"Code:" not in shown:
                shown += await told.get()
            os.write(ours, b"42\n")
            await asking
            assert answers == [("42",)]
        assert not showing.done()
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)
