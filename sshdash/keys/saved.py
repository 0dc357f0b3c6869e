"""Passwords and passphrases in the system's keyring, where a person wanted them there.

Nowhere else: a keyring that keeps them in a plain file, or that keeps nothing, is refused. A
keyring may ask its owner to unlock it, or hang, so nothing here waits for ever: one that does
not answer is not asked again in this run.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

log = logging.getLogger(__name__)

SERVICE = "sshdash"
"""Under which name the keyring shows them."""
_OPEN_TIMEOUT = 5.0
"""Seconds to find the keyring."""
_ASK_TIMEOUT = 20.0
"""Seconds for one answer: its owner may have to unlock it first."""
_NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
_FAIR = 1.0
"""What keyrings that are fit for secrets say of themselves; plain files say less."""

Result = TypeVar("Result")


class SavedSecrets:
    """What is saved: each secret by the name of the account or the path of the key."""

    def __init__(self, tell: Callable[[str], None] = lambda text: None) -> None:
        self._tell = tell
        """Tells a person what is wrong with a keyring that is there."""
        self._backend: KeyringBackend | None = None
        self._opened = False
        self._turn = asyncio.Lock()
        self.problem = ""
        """Why nothing can be saved; empty where it can, and until somebody looked."""

    def __repr__(self) -> str:
        """Return whether there is a keyring, never what is in it."""
        state = "not opened" if not self._opened else "usable" if self._backend else "none"
        return f"<SavedSecrets [{state}]>"

    @property
    def name(self) -> str:
        """Return what the keyring calls itself, "" where there is none."""
        return str(getattr(self._backend, "name", "")) if self._backend else ""

    async def is_usable(self) -> bool:
        """Return whether there is a keyring that is fit for secrets."""
        async with self._turn:
            return await self._open() is not None

    async def find(self, name: str) -> str | None:
        """Return what is saved for `name`, None where nothing is."""
        return await self._ask(lambda keyring: keyring.get_password(SERVICE, name)) or None

    async def keep(self, name: str, secret: str) -> bool:
        """Save a secret; return whether that worked."""

        def save(keyring: "KeyringBackend") -> bool:
            keyring.set_password(SERVICE, name, secret)
            return True

        return bool(await self._ask(save))

    async def forget(self, name: str) -> bool:
        """Remove what is saved for `name`; return whether there was something."""

        def remove(keyring: "KeyringBackend") -> bool:
            if keyring.get_password(SERVICE, name) is None:
                return False
            keyring.delete_password(SERVICE, name)
            return True

        return bool(await self._ask(remove))

    async def _ask(self, call: "Callable[[KeyringBackend], Result]") -> Result | None:
        """Return what `call` returns, None where there is no keyring; one call at a time."""
        async with self._turn:
            keyring = await self._open()
            if keyring is None:
                return None
            return await self._try(lambda: call(keyring), _ASK_TIMEOUT)

    async def _open(self) -> "KeyringBackend | None":
        if not self._opened:
            self._opened = True
            found = await self._try(_find_backend, _OPEN_TIMEOUT)
            if found:
                self._backend, self.problem = found
        return self._backend

    async def _try(self, call: Callable[[], Result], seconds: float) -> Result | None:
        """Return what `call` returns, from a thread that nobody waits for when it hangs."""
        try:
            async with asyncio.timeout(seconds):
                return await _in_thread(call)
        except TimeoutError:
            self.problem = "the system keyring does not answer"
            self._backend = None
            log.warning("%s: not used any more", self.problem)
            self._tell(f"{self.problem}; it is not asked again")
        except Exception as error:  # noqa: BLE001  a backend's own: locked, dismissed, no D-Bus
            self.problem = f"the system keyring failed ({type(error).__name__})"
            log.warning("%s", self.problem)
            self._tell(self.problem)
        return None


def account_name(user: str, hostname: str, port: int) -> str:
    """Return the name under which the password of an account is saved."""
    return f"{user}@{hostname}" if port == 22 else f"{user}@[{hostname}]:{port}"


def _find_backend() -> tuple["KeyringBackend | None", str]:
    """Return the keyring to use, or why there is none. Slow: it looks at the desktop."""
    try:
        from keyring import get_keyring
    except ImportError:
        return None, "there is no keyring library"
    chosen = get_keyring()
    for backend in getattr(chosen, "backends", (chosen,)):
        if is_fit(backend):
            return backend, ""
    return None, "there is no system keyring that is fit for secrets"


def is_fit(backend: "KeyringBackend") -> bool:
    """Return whether secrets may be kept there: not in plain text, and not nowhere."""
    module = type(backend).__module__
    if module.startswith(_NO_KEYRINGS) or "plaintext" in type(backend).__name__.lower():
        return False
    return float(backend.priority) >= _FAIR


async def _in_thread(call: Callable[[], Result]) -> Result:
    """Return what `call` returns, from a thread of its own that does not hold up the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            outcome, failure = call(), None
        except Exception as error:  # noqa: BLE001  it is raised where the answer is awaited
            outcome, failure = None, error
        try:
            loop.call_soon_threadsafe(settle, outcome, failure)
        except RuntimeError:
            log.debug("the keyring answered after the end")

    threading.Thread(target=work, name="system keyring", daemon=True).start()
    return await done
