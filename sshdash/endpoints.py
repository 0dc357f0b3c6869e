"""Opens files: those of this machine, of hosts, and of hosts as another user."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sshdash.modules import Modules
from sshdash.prompts import Prompter
from sshdash.sftp.job import host_of, user_of
from sshdash.sftp.tasks import end

if TYPE_CHECKING:
    from sshdash.connections.manager import Lease
    from sshdash.sftp.bulk.command import Command
    from sshdash.sftp.elevation import Elevations
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.sftp.looks import Look
    from sshdash.sftp.opening import Way
    from sshdash.sftp.scp_runner import CopyEnd

LOCAL = ""
"""The endpoint of this machine's own files."""
MODULES = ("sftp.local", "sftp.remote", "sftp.elevation")

LeaseFiles = Callable[[str], "Awaitable[Lease]"]
"""Leases the connection to a host."""


class Endpoints:
    """Opens endpoints for a backend, and knows which of hosts are open."""

    def __init__(self, modules: Modules, prompter: Prompter, lease: LeaseFiles) -> None:
        self._modules = modules
        self._prompter = prompter
        self._lease = lease
        self._open: WeakSet[Filesystem] = WeakSet()
        """Those of hosts, as long as somebody has them."""
        self._elevations: Elevations | None = None

    def __repr__(self) -> str:
        return f"<Endpoints [{len(self._open)} open], {self._elevations!r}>"

    async def filesystem(
        self, endpoint: str, looks: "Sequence[Look]" = (), command: "Command | None" = None
    ) -> "Filesystem":
        """Open `LOCAL`, a host, or a host as another user; closing it releases its lease.

        `looks` are what is going to be asked of a host first, `command` what is likely to be run.
        """
        if endpoint == LOCAL:
            await self._modules.load(*MODULES)
            local: Callable[[], Filesystem] = self._modules["sftp.local"].LocalFilesystem
            return local()
        host, user = host_of(endpoint), user_of(endpoint)
        ways = (await self._way(host, user),) if user else ()
        loading = asyncio.create_task(self._modules.load(*MODULES))  # while the host answers
        try:
            lease = await self._lease(host)
            opening = self._remote(lease, ways, (looks, command), loading)
            filesystem: Filesystem = await releasing(lease, opening)
        finally:
            await end((loading,))
        self._open.add(filesystem)
        return filesystem

    async def _remote(
        self,
        lease: "Lease",
        ways: "tuple[Way, ...]",
        ahead: "tuple[Sequence[Look], Command | None]",
        loading: "asyncio.Task[None]",
    ) -> "Filesystem":
        await loading
        kind = self._modules["sftp.remote"].RemoteFilesystem
        looks, command = ahead
        opened: Filesystem = await kind.open(lease, *ways, looks=looks, command=command)
        return opened

    async def _way(self, host: str, user: str) -> "Way":
        """Return how a host's files are reached as another user. Raises UsageError."""
        await self._modules.load(*MODULES)
        if self._elevations is None:
            self._elevations = self._modules["sftp.elevation"].Elevations(self._prompter)
        return self._elevations.way(host, user)

    async def copy_end(
        self,
        endpoint: str,
        told: Callable[[Any], None],
        looks: "Sequence[Look]" = (),
        command: "Command | None" = None,
    ) -> "CopyEnd":
        """Open an endpoint for copies alone: by scp where it has no SFTP, which is `told`.

        `looks` are what is going to be asked of a host first, `command` what is likely to be run.
        """
        from sshdash.sftp.opening import NoSftpError

        try:
            return await self.filesystem(endpoint, looks, command)
        except NoSftpError:
            if user_of(endpoint):
                raise
        from sshdash.sftp.scp_host import ScpHost

        lease = await self._lease(endpoint)
        host: ScpHost = await releasing(lease, ScpHost.open(lease))
        told(host.warning)
        return host

    async def close(self, host: str) -> None:
        """Close what is open of a host, and forget its passwords."""
        for filesystem in [one for one in self._open if host_of(one.label) == host]:
            await filesystem.close()
        if self._elevations is not None:
            self._elevations.forget(host)


async def releasing(lease: "Lease", opening: Any) -> Any:
    """Await `opening`; where it fails or is cancelled, the lease goes back."""
    try:
        return await opening
    except BaseException:
        lease.release()
        raise
