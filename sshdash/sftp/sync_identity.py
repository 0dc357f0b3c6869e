"""What a tree is known by, however its host and its path are written."""

import platform
from collections.abc import Callable

from sshdash.config.resolved import ResolvedHost
from sshdash.errors import UsageError
from sshdash.sftp.entries import is_inside
from sshdash.sftp.failures import shown
from sshdash.sftp.job import Endpoint, host_of, user_of
from sshdash.sftp.sync_plan import Tree

_WAYS = "proxyjump", "proxycommand", "hostkeyalias"
"""What else says which machine an address is."""

Resolve = Callable[[str], ResolvedHost]


def identity(tree: Tree, resolve: Resolve) -> str:
    """Return what a tree is known by: an alias that leads elsewhere now is another one."""
    root = tree.root.decode("utf-8", "surrogateescape")
    if not tree.endpoint:
        return f"local {platform.node()} {root}"
    account, *ways = _way_to(tree.endpoint, resolve)
    return " ".join((f"{account} ({user_of(tree.endpoint)}) {root}", *filter(None, ways)))


def refuse_overlap(trees: tuple[Tree, Tree], resolve: Resolve) -> None:
    """Raise UsageError where one of two trees, whose paths are real, is inside the other.

    An account has the same files whatever it is called, and whoever is become there; two accounts
    of a host need not, as each may be shut up in a folder of its own.
    """
    left, right = trees
    if not (is_inside(left.root, right.root) or is_inside(right.root, left.root)):
        return
    if _way_to(left.endpoint, resolve) == _way_to(right.endpoint, resolve):
        names = " and ".join(map(_name, trees))
        hint = "choose two folders of which none holds the other"
        raise UsageError("One folder is inside the other", names, hint)


def _way_to(endpoint: Endpoint, resolve: Resolve) -> tuple[str, ...]:
    """Return the account of a host and what else says which machine that is; none for this one."""
    if not endpoint:
        return ()
    host = resolve(host_of(endpoint))
    # One address may be different machines behind different jump hosts, or by different names.
    account = f"{host.user}@{host.hostname}:{host.port}"
    return account, *(host.get(way) or "" for way in _WAYS)


def _name(tree: Tree) -> str:
    return f"{tree.endpoint}:{shown(tree.root)}" if tree.endpoint else shown(tree.root)
