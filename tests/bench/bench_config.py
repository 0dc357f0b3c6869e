"""A large configuration: until its hosts are listed, and one of them resolved, beside ``ssh -G``.

10,000 hosts stand in 200 included files, with what such configurations have: a jump host for
each group, a key, forwards here and there, and defaults for all at the end.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sshdash.config.catalog import load_catalog
from sshdash.config.resolver import Resolver, dump
from sshdash.config.source import ConfigSource
from tests.bench.bench_startup import first_frame
from tests.bench.table import Row

FILES, HOSTS = 200, 10_000
RUNS = 7
_EACH = HOSTS // FILES


async def rows() -> list[Row]:
    """Return the rows of the configuration benches."""
    return await asyncio.to_thread(_rows)


def _rows() -> list[Row]:
    with TemporaryDirectory(prefix="sshdash-bench-") as folder:
        config = write_config(Path(folder))
        source = ConfigSource.standard(str(config))
        name = f"host-{FILES // 2:03}-{_EACH // 2:02}"
        listing = _median(lambda: _list(source))
        resolver = Resolver(source)
        catalog = load_catalog(source, resolver.cache)
        assert len(catalog.hosts) == HOSTS
        assert not catalog.problems
        ours = dump(resolver.resolve(name))
        assert ours == _openssh(config, name), "not what ssh -G says"
        resolving = _median(lambda: resolver.resolve(name))
        peer = _median(lambda: _openssh(config, name))
        command = [sys.executable, "-m", "sshdash", "-F", str(config)]
        starting = _median(lambda: first_frame(command, b"gate-000"))
    note = f"median of {RUNS}; {FILES} files"
    return [
        Row(
            f"list {HOSTS:,} hosts",
            f"{listing * 1000:.0f} ms",
            f"ssh -G, one host {peer * 1000:.0f} ms",
            listing / peer,
            "≤ 0.4 s",
            f"{note}, none read before",
        ),
        Row(
            f"start to {HOSTS:,} hosts on the screen",
            f"{starting * 1000:.0f} ms",
            f"ssh -G, one host {peer * 1000:.0f} ms",
            starting / peer,
            "–",
            f"{note}; the whole program",
        ),
        Row(
            f"resolve one of {HOSTS:,} hosts",
            f"{resolving * 1000:.1f} ms",
            f"ssh -G {peer * 1000:.0f} ms",
            resolving / peer,
            "≤ 5 ms",
            f"{note}; after the list, as on the screen, with every file's date checked",
        ),
    ]


def write_config(folder: Path) -> Path:
    """Write the configuration and return its main file."""
    parts = folder / "conf.d"
    parts.mkdir(mode=0o700)
    for number in range(FILES):
        hosts = "".join(_host(number, at) for at in range(_EACH))
        gate = f"Host gate-{number:03}\n  HostName 10.{number}.0.1\n  ProxyJump none\n\n"
        _write(parts / f"{number:03}.conf", f"# group {number}\n{gate}{hosts}")
    main = folder / "config"
    tail = "Host *\n  ServerAliveInterval 15\n  UserKnownHostsFile /etc/known\n  User admin\n"
    _write(main, f"Include {parts}/*.conf\n\n{tail}")
    return main


def _host(group: int, at: int) -> str:
    if at == 0:
        return ""
    lines = [
        f"Host host-{group:03}-{at:02}",
        f"  HostName 10.{group}.1.{at}",
        f"  IdentityFile ~/.ssh/id_group_{group}",
        f"  ProxyJump gate-{group:03}",
    ]
    if at % 10 == 0:
        lines.append(f"  LocalForward {20000 + at} localhost:5432")
    return "\n".join([*lines, "", ""])


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="ascii")
    file.chmod(0o600)


def _list(source: ConfigSource) -> None:
    load_catalog(source)


def _openssh(config: Path, host: str) -> str:
    command = ["ssh", "-F", str(config), "-G", host]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return done.stdout


def _median(work: Callable[[], object]) -> float:
    """Return the median time of some runs after one that does not count."""
    work()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
