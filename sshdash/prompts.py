"""Questions the backend asks and the answers it can get.

The backend awaits `Prompter.ask`; who answers is somebody else's business: the screen, the
terminal of a command, a script of a test, or nobody. ``None`` always means the question was
dismissed, and never means yes.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Generic, Protocol, Self, TypeVar

from msgspec import Struct, field

Answer = TypeVar("Answer")
AnswerType = TypeVar("AnswerType")


class Question(Struct, Generic[Answer], frozen=True):
    """Something only the person can decide. Texts in it are cleaned already."""


class HostKeyAnswer(Enum):
    """What to do with an unknown host key."""

    ACCEPT = "accept"
    """Trust it and append it to known_hosts."""
    ONCE = "once"
    """Trust it for this run only."""


class HostKeyQuestion(Question[HostKeyAnswer], frozen=True):
    """An unknown host key, before any credential is sent."""

    host: str
    """The name looked up in known_hosts, ``[name]:port`` for other ports than 22."""
    address: str
    """Where the answer came from, ``addr:port``; empty where a jump host dialled."""
    route: tuple[str, ...]
    """The hops from here to this server, itself last."""
    key_type: str
    """``ED25519``, ``RSA`` ... as ssh-keygen names them."""
    bits: int
    fingerprint: str
    """``SHA256:...``"""
    known_file: str
    """Where an accepted key will be written; empty where none can be."""
    notes: tuple[str, ...] = ()
    """What else is known, such as other names in known_hosts with this key."""
    randomart: str = ""
    """The picture that ssh-keygen draws of the key: eleven lines of nineteen characters."""


class KeyFacts(Struct, frozen=True):
    """A host key, as a person compares it."""

    key_type: str
    bits: int
    fingerprint: str
    randomart: str


class ChangedKeyQuestion(Question[bool], frozen=True):
    """A changed host key: to be read and understood. No answer makes it a trusted one."""

    host: str
    """The name looked up in known_hosts, ``[name]:port`` for other ports than 22."""
    address: str
    route: tuple[str, ...]
    """The hops from here to this server, itself last."""
    shown: KeyFacts
    known: KeyFacts
    where: str
    """``file:line`` of the key that is known."""
    checks: tuple[str, ...]
    """Commands that show the server's key, where they are run in a place that is trusted."""
    remedy: str
    """The command that removes the old key, once the new one is known to be right."""


class SecretPrompt(Struct, frozen=True):
    """One line to type."""

    text: str
    echo: bool = False
    words: str = ""
    """What ssh would ask, for programs that know its words (SSH_ASKPASS); "" for what is asked."""


class SecretAnswer(tuple[str, ...]):
    """What was typed, one text per prompt, and whether the person wants it saved.

    Its texts show in no representation.
    """

    save: bool

    def __new__(cls, texts: Iterable[str], save: bool = False) -> Self:
        """Make one of what was typed."""
        answer = super().__new__(cls, texts)
        answer.save = save
        return answer

    def __repr__(self) -> str:
        """Return how many texts there are."""
        return f"<SecretAnswer [{len(self)} hidden]>"


class SecretQuestion(Question[tuple[str, ...]], frozen=True):
    """A password, a passphrase or the prompts of keyboard-interactive.

    Where it can be saved, the answer may be a `SecretAnswer` that says so.
    """

    host: str
    title: str
    prompts: tuple[SecretPrompt, ...]
    instructions: str = ""
    """Several cleaned lines at most; they begin with the banner, where there was one."""
    attempt: int = 1
    can_save: bool = False
    """Whether the system's keyring would keep the answer."""
    banner: str = ""
    """What of the instructions was told when it came, and is here for whoever did not see it."""

    @property
    def news(self) -> str:
        """The instructions without the banner."""
        return self.instructions.removeprefix(self.banner).lstrip("\n")


class ConflictChoice(Enum):
    """What to do with a target that exists."""

    OVERWRITE = "overwrite"
    NEWER = "newer"
    """Overwrite it where the source was modified later, else skip it."""
    SKIP = "skip"
    RESUME = "resume"
    """Go on with it where it is the beginning of the source."""
    RENAME = "rename"
    """Keep both: the source gets a free name beside it."""


CONFLICT_POLICIES: dict[str, ConflictChoice | None] = {
    "ask": None,
    **{choice.value: choice for choice in ConflictChoice},
}
"""What may be said beforehand about targets that exist, by its name; None asks."""


class ConflictAnswer(Struct, frozen=True):
    """The choice, for this file or for all that follow in the job."""

    choice: ConflictChoice
    for_all: bool = False


class ConflictQuestion(Question[ConflictAnswer], frozen=True):
    """A copy whose target exists. Dismissing it cancels the job."""

    source: str
    target: str
    source_size: int
    target_size: int
    source_time: float
    """Seconds since the epoch."""
    target_time: float
    is_directory: bool = False
    can_resume: bool = False
    """Whether the target is shorter, and the same as the source as far as it goes."""
    more: int | None = None
    """How many targets besides this one are still to be asked about, None where nobody knows."""


class ConfirmQuestion(Question[bool], frozen=True):
    """Yes or no, with no as the default."""

    title: str
    detail: str = ""
    action: str = "Yes"
    danger: bool = False
    unbidden: bool = False
    """It follows no command: who types meanwhile has not read it."""


class NoticeQuestion(Question[bool], frozen=True):
    """Something to be done elsewhere, such as touching a token; it goes when that is done.

    Yes gives up what waits for it; dismissing it only takes the notice away.
    """

    title: str
    detail: str = ""
    host: str = ""


class Prompter(Protocol):
    """Somebody who answers."""

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return the answer, or None where the question was dismissed."""
        ...


class RefusingPrompter:
    """Answers nothing: for batch use and for parts that must not ask."""

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return None, whatever is asked."""
        return None


class ScriptedPrompter(Struct):
    """Answers from a list, in order, and keeps what it was asked: for tests."""

    answers: list[object] = field(default_factory=list)
    asked: list[Question[object]] = field(default_factory=list)

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return the next answer, None once there are no more."""
        self.asked.append(question)  # type: ignore[arg-type]
        return self.answers.pop(0) if self.answers else None  # type: ignore[return-value]
