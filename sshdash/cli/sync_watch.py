"""``sshdash sync --watch``: goes on, and uploads what changes."""

import argparse

from sshdash.backend import Backend
from sshdash.cli.operands import Operand
from sshdash.errors import UsageError
from sshdash.sftp.sync_rules import Rules


async def watch(
    backend: Backend, arguments: argparse.Namespace, rules: Rules, source: Operand, target: Operand
) -> int:
    """Keep the target like the source until it is ended."""
    raise UsageError("--watch is not there yet")
