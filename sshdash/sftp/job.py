"""What a copy job is asked, and what it tells: frozen, for the queue, the screen and the CLI."""

from msgspec import Struct

from sshdash.prompts import ConflictChoice
from sshdash.sftp.entries import join, name_of, parent_of
from sshdash.states import TransferState

Endpoint = str
"""Where files are: empty for this machine, else a host as the user names it.

``host (user)`` are its files as another user, who is become by sudo; no host has a space in it.
"""


RUNNING = (TransferState.SCANNING, TransferState.COPYING)
FINISHED = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


def as_user(host: str, user: str) -> Endpoint:
    """Return the endpoint for a host's files as another user."""
    return f"{host} ({user})"


def host_of(endpoint: Endpoint) -> str:
    """Return the host that is connected to, empty for this machine."""
    return endpoint.partition(" (")[0]


def user_of(endpoint: Endpoint) -> str:
    """Return the user that is become there, empty for the one who logs in."""
    return endpoint.partition(" (")[2].removesuffix(")")


class CopyRequest(Struct, frozen=True):
    """What to copy where."""

    source: Endpoint
    paths: tuple[bytes, ...]
    """Absolute paths on the source."""
    target: Endpoint
    target_dir: bytes
    """An existing directory on the target."""
    recursive: bool = True
    """Whether directories are copied; where not, they are reported as failures."""
    preserve: bool = True
    """Whether times and permissions are kept: no setuid, no setgid, sticky of folders alone."""
    folder_modes: bool = False
    """Whether directories that were there get their source's permissions, too, where these are
    kept; their time they get anyway, as far as that is allowed."""
    like: bytes | None = None
    """A folder on the source whose permissions and time `target_dir` itself gets, too."""
    conflict: ConflictChoice | None = None
    """What to do with targets that exist; None asks."""
    follow: bool = False
    """Whether links among `paths` themselves are followed; those below never are."""
    owner: bool = False
    """Whether copies get the user and group of their source, as numbers."""
    xattrs: bool = False
    """Whether copies get the extended attributes, ACLs among them: from here to here alone."""
    verify: bool = False
    """Whether each file's SHA-256 is compared on both ends before it gets its name."""
    move: bool = False
    """Whether the sources are removed once their copies are in place, or just renamed."""
    target_name: bytes | None = None
    """The name to copy a single source under, where it is not its own."""
    base: bytes | None = None
    """A folder above all of `paths`: each goes to the same place below `target_dir`, where the
    folders on its way exist or are among `paths`. Of a directory, only it itself is made."""

    in_place: bool | None = False
    """Whether files that exist are written into, which is not safe, rather than replaced; None
    asks where they cannot be replaced."""
    seen: tuple[tuple[int, int], ...] = ()
    """Where not empty, what was seen at the target of each of `paths` in turn: size and time in
    seconds. What is something else by now is not overwritten."""

    def place_of(self, path: bytes) -> bytes:
        """Return where a source goes, relative to `target_dir`."""
        if self.base is not None:
            return path[len(join(self.base, b"")) :]
        return self.target_name or name_of(path)

    def target_of(self, path: bytes) -> bytes | None:
        """Return where a source goes that is among `paths`, or below one; None for any other."""
        root = path
        while root not in self.paths:
            if (above := parent_of(root)) == root:
                return None
            root = above
        return join(self.target_dir, self.place_of(root)) + path[len(root) :]


class FileProgress(Struct, frozen=True):
    """One file under way; the name is cleaned."""

    name: str
    done: int
    total: int


class FileFailure(Struct, frozen=True):
    """One source that was not copied; both texts are cleaned."""

    path: str
    reason: str


class TransferSnapshot(Struct, frozen=True):
    """A job as it is now. All texts are cleaned."""

    id: str
    title: str
    """What is copied: one name, or how many."""
    source: str
    """``host`` or ``local``."""
    target: str
    target_dir: str
    state: TransferState
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    rate: float = 0.0
    """Bytes per second, smoothed."""
    eta: float | None = None
    """Seconds to go, None while nobody can say."""
    current: tuple[FileProgress, ...] = ()
    """The largest of the files under way, at most four."""
    errors: tuple[FileFailure, ...] = ()
    """The first hundred failures."""
    errors_total: int = 0
    files_failed: int = 0
    bytes_failed: int = 0
    """Of the failures, files that would have been copied, and their bytes; in no total."""
    left_out: tuple[FileFailure, ...] = ()
    """The first hundred of what is never copied: special files, links out of the folder."""
    left_out_total: int = 0
    asks: bool = False
    """Whether it waits for an answer."""
    skipped: int = 0
    """Files left as they were by choice."""
    verified: int = 0
    """Files whose checksums are the same on both ends."""
    verified_by: tuple[str, ...] = ()
    """How checksums were found, on the source and on the target: ``here``, ``sha256sum`` …"""
    resumed: int = 0
    """How often a file was gone on with after an interruption."""
    restarted: tuple[FileFailure, ...] = ()
    """The first hundred that were started over after one, and why."""
    direction: str = "local"
    """``up``, ``down``, ``across`` (host to host) or ``local``."""
    reason: str = ""
    """Why the whole job ended early, or what it waits for."""
    cut_off: bool = False
    """Whether it ended early for want of a connection."""
    torn: bool = False
    """Whether a file is neither old nor new, as it was being written in place."""
    folders_made: int = 0
    """Folders that are there and lack their mode and time."""
    started: float | None = None
    """Monotonic seconds."""
    ended: float | None = None
    limit: int = 0
    """Bytes per second that it may go; 0 for no limit of its own."""
    request: CopyRequest = CopyRequest("", (), "", b"/")

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens unless it is retried."""
        return self.state in FINISHED

    @property
    def is_live(self) -> bool:
        """Whether it goes on by itself: it runs, waits or is queued."""
        return not self.is_finished and self.state is not TransferState.PAUSED

    @property
    def is_running(self) -> bool:
        """Whether it is being worked on."""
        return self.state in RUNNING


class TransferTotals(Struct, frozen=True):
    """Everything that is queued or running, in sum."""

    jobs_running: int = 0
    jobs_queued: int = 0
    jobs_paused: int = 0
    """Not counted in anything else."""
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    rate_up: float = 0.0
    """Bytes per second toward hosts."""
    rate_down: float = 0.0
    """Bytes per second toward this machine."""
    eta: float | None = None
    """Seconds until all of it is done, None while nobody can say."""
    uncounted: int = 0
    """Jobs of which nobody knows yet how much they are: all sums, and `eta`, are at least that."""
    limit: int = 0
    """Bytes per second that all may go together; 0 for no limit."""
    rates: tuple[int, ...] = ()
    """Bytes per second of all, second by second, the newest last."""

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done of how much: bytes, or files where none of them holds any."""
        if self.bytes_total:
            return self.bytes_done, self.bytes_total
        return self.files_done, self.files_total


def direction_of(source: Endpoint, target: Endpoint) -> str:
    """Return ``up``, ``down``, ``across`` or ``local``."""
    if source and target:
        return "across"
    if source:
        return "down"
    return "up" if target else "local"
