"""Compares what was read with what was written, by the checksums of both ends."""

from sshdash.errors import FileError
from sshdash.sftp.changes import Changed, differs
from sshdash.sftp.entries import Entry
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import CopySource, Digest, Filesystem
from sshdash.sftp.tasks import together


async def compare_digests(
    source: CopySource, path: bytes, entry: Entry, target: Filesystem, part: bytes, name: bytes
) -> tuple[Digest, Digest]:
    """Return the digests of the source and of its copy `part`, which will be `name`.

    Raises FileError where they differ, Changed where the source has changed.
    """
    for reading in (False, True):  # a command may see other files than SFTP does
        ours, theirs = await together(
            source.sha256(path, entry.size, reading), target.sha256(part, entry.size, reading)
        )
        if ours.value == theirs.value:
            return ours, theirs
    now = await source.lstat(path)
    if differs(now, entry):
        raise Changed(now)
    host = "" if target.is_local else target.label
    detail = f"sha256 {ours.value.hex()[:16]}… at the source, {theirs.value.hex()[:16]}… there"
    raise FileError("the checksums differ", shown(name), detail, "retry", host)
