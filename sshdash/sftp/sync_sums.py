"""What stands for the content of files when they are compared: SHA-256."""

from collections.abc import Mapping

from sshdash.errors import FileError
from sshdash.sftp.filesystem import Digest, Filesystem
from sshdash.sftp.tasks import each

_WIDTH = 16
"""Files at the same time; of the commands that hash on a host fewer run (`RemoteDigests`)."""


async def digests(
    filesystem: Filesystem, sizes: Mapping[bytes, int], reading: bool = False
) -> dict[bytes, Digest]:
    """Return the digest of each file by its path; those that cannot be read are missing.

    `sizes` has about how many bytes each has; `reading` takes no other's word, as in
    `Filesystem.sha256`.
    """
    found: dict[bytes, Digest] = {}

    async def take(path: bytes) -> None:
        try:
            found[path] = await filesystem.sha256(path, sizes[path], reading)
        except FileError:
            return  # it is missing in what is returned

    await each(sizes, min(_WIDTH, len(sizes)), take)
    return found
