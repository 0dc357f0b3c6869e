"""What tests of a proxy's handshake share: feeding it in pieces."""

from itertools import pairwise

from hypothesis import strategies as st

from sshdash.tunnels.proxy.handshake import Handshake
from sshdash.tunnels.proxy.http_proxy import LONGEST_HEAD

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
PORTS = st.integers(1, 65535)
CUTS = st.lists(st.integers(0, 10_000), max_size=6)


def fed(data: bytes, cuts: list[int]) -> tuple[Handshake, bytes]:
    """Feed data in pieces; return the handshake and everything it answered.

    What comes when it is done belongs to the target, behind `rest`, as it does in a forward.
    """
    handshake = Handshake()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    answer, behind = b"", b""
    for start, end in pairwise(edges):
        if handshake.done:
            behind += data[start:end]
        else:
            answer += handshake.feed(data[start:end])
            assert len(handshake._buffer) <= LONGEST_HEAD
    if handshake.request is not None:
        handshake.rest += behind
    return handshake, answer
