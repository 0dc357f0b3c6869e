"""Modules that are imported when they are needed, off the loop."""

import asyncio
import importlib
from typing import Any


class Modules:
    """Parts of the package by their names below it, each imported once."""

    def __init__(self) -> None:
        self._imported: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Modules {', '.join(self._imported)}>"

    def __getitem__(self, name: str) -> Any:
        """Return a module that `load` imported."""
        return self._imported[name]

    async def load(self, *names: str) -> None:
        """Import what was not imported yet, in a thread."""
        missing = [name for name in names if name not in self._imported]
        if missing:
            await asyncio.to_thread(self._import, missing)

    def _import(self, names: list[str]) -> None:
        for name in names:
            self._imported[name] = importlib.import_module(f"sshdash.{name}")
