"""What a server asks during a login, in whatever encoding it does."""

from asyncssh.packet import Boolean, SSHPacket, String, UInt32
from hypothesis import given
from hypothesis import strategies as st

from sshdash.connections.login.prompt_text import INTERACTIVE, PASSWORD, as_utf8


@given(st.binary(), st.binary(), st.lists(st.tuples(st.binary(), st.booleans()), max_size=5))
def test_prompts_keep_their_order_and_become_utf8(
    name: bytes, text: bytes, prompts: list[tuple[bytes, bool]]
) -> None:
    asked = b"".join(String(prompt) + Boolean(echo) for prompt, echo in prompts)
    sent = String(name) + String(text) + String(b"\xff") + UInt32(len(prompts)) + asked
    read = as_utf8(INTERACTIVE, SSHPacket(sent))
    texts = [read.get_string(), read.get_string()]
    assert read.get_string() == b""
    assert read.get_uint32() == len(prompts)
    for _, echo in prompts:
        texts.append(read.get_string())
        assert read.get_boolean() is echo
    read.check_end()
    for given_text, shown in zip(
        (name, text, *(prompt for prompt, _ in prompts)), texts, strict=True
    ):
        assert shown.decode("utf-8") == given_text.decode("utf-8", "backslashreplace")


@given(st.binary(max_size=40), st.sampled_from([INTERACTIVE, PASSWORD]))
def test_what_is_no_request_comes_back_as_it_is_or_whole(data: bytes, method: bytes) -> None:
    as_utf8(method, SSHPacket(data))


def test_a_change_of_the_password_is_read_too() -> None:
    read = as_utf8(PASSWORD, SSHPacket(String("Neues Paßwort".encode("latin-1")) + String(b"de")))
    assert read.get_string() == rb"Neues Pa\xdfwort"
    assert read.get_string() == b""
    read.check_end()
