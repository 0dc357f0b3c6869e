"""Files on the hosts of the fleet, such as one finds on servers."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sshdash.demo.places import Place

LARGE = 64 * 1024 * 1024
MANY = 300
_REQUESTS = 2000
ODD_NAMES = (
    b"-rf",
    b" leading space",
    b"two\nlines",
    b"\x1b[31mred\x1b[0m",
    b"[bold red]markup",
    b"[@click=app.quit]click me",
    "naïve café.txt".encode(),
    "日本語.txt".encode(),
    "🚀 launch 👩‍💻.md".encode(),
    "abc\u202efdp.exe".encode(),
    b"latin-1 \xe9t\xe9.txt",
    b"not utf-8 \xff\xfe",
    b"back\\slash",
    b"$(reboot); `id`",
    b"long-" + b"x" * 240,
)
"""Names that break careless programs; every one of them is a legal one."""
_BLOCK = 256 * 1024
_STRIDE = 2 * 1024 * 1024


def furnish(root: Path, place: Place) -> Path:
    """Fill `root` with the host's files and return the home folder in it."""
    home = root / "home" / place.user
    home.mkdir(parents=True, mode=0o755)
    for path, text in _system(place).items():
        _write(root / path, text)
    for path, text in _home(place).items():
        _write(home / path, text)
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    chosen = random.Random(place.name)
    for tag in place.tags:
        _TAGGED[tag](root, home, chosen)
    _age(root, chosen)
    return home


def _age(root: Path, chosen: random.Random) -> None:
    """Give every file and folder a time of its own, from minutes to months ago."""
    now = time.time()
    for path, folders, names in os.walk(os.fsencode(root), topdown=False):
        for name in (*folders, *names):
            then = now - 60 * 10 ** chosen.uniform(0.5, 5.2)
            os.utime(os.path.join(path, name), (then, then), follow_symlinks=False)


def furnish_desk(home: Path) -> None:
    """Fill the home folder of the person at the demo."""
    for name, text in {
        "notes.md": "# To do\n\n- renew the certificate of web\n- look at the slow queries on db\n",
        "projects/site/index.html": _INDEX,
        "projects/site/style.css": "body { font-family: sans-serif; margin: 2rem auto }\n",
        "projects/site/deploy.sh": "#!/bin/sh\nscp -r . web:www/\n",
    }.items():
        _write(home / name, text)
    (home / "downloads").mkdir()
    (home / "projects/site/deploy.sh").chmod(0o755)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _system(place: Place) -> Mapping[str, str]:
    return {
        "etc/hostname": f"{place.name}\n",
        "etc/motd": _motd(place),
        "etc/hosts": "127.0.0.1 localhost\n"
        + "".join(f"10.20.0.{10 + n} {name}.internal {name}\n" for n, name in enumerate(_NAMES)),
        "etc/os-release": 'NAME="Demo Linux"\nVERSION="1 (loopback)"\nID=demo\n',
        "var/log/auth.log": "".join(
            f"Nov 20 0{hour}:17:01 {place.name} sshd[{800 + hour}]: Accepted publickey for "
            f"{place.user} from 127.0.0.1 port {40000 + hour} ssh2: ED25519\n"
            for hour in range(10)
        ),
    }


_NAMES = ("bastion", "web", "db", "cache")
_INDEX = "<!doctype html>\n<title>Hello</title>\n<h1>It works</h1>\n"


def _motd(place: Place) -> str:
    return f"\n  {place.name}: {place.about}\n  A demo: nothing here is real but the shell.\n\n"


def _home(place: Place) -> Mapping[str, str]:
    prompt = (
        rf"\[\e[1;{place.color}m\]{place.user}@{place.name}\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ "
    )
    return {
        ".bashrc": (
            f"PS1='{prompt}'\n"
            f'PROMPT_COMMAND=\'printf "\\033]0;{place.user}@{place.name}: %s\\007" '
            '"${PWD/#$HOME/\\~}"\'\n'
            "alias ls='ls --color=auto' ll='ls -l --color=auto'\n"
            "HISTCONTROL=ignoredups\n"
            '[ "$SHLVL" != 1 ] || cat "$HOME/../../etc/motd"\n'
        ),
        ".bash_history": "ls -l\ntail -f logs/auth.log\ndf -h\nuptime\n",
        ".profile": "umask 022\n",
        "bin/hostname": f"#!/bin/sh\necho {place.name}\n",
        "bin/ss": f"#!/bin/sh\ncat <<'END'\n{_listening(place)}END\n",
        "README.txt": f"{place.name}: {place.about}\n",
    }


def _listening(place: Place) -> str:
    """Return what ss prints of the host's listeners: the machine's own are not the demo's."""
    found = [("0.0.0.0", 22, "sshd"), ("[::]", 22, "sshd")]
    for port, process, _ in place.listens:
        everywhere = ("0.0.0.0", "[::]") if port < 1024 else ("127.0.0.1",)
        found += [(address, port, process) for address in everywhere]
    return "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n" + "".join(
        f'LISTEN 0 128 {address}:{port} *:* users:(("{process}",pid={700 + port % 211},fd=6))\n'
        for address, port, process in found
    )


def _scripts(root: Path, home: Path, chosen: random.Random) -> None:
    _write(home / "check.sh", '#!/bin/sh\nfor host in web db; do echo "$host ok"; done\n')
    (home / "check.sh").chmod(0o755)
    _write(home / "inventory.csv", "name,address\nweb,10.20.0.11\ndb,10.20.0.12\n")


def _site(root: Path, home: Path, chosen: random.Random) -> None:
    for name, text in {
        "index.html": _INDEX,
        "css/style.css": "body { color: #222 }\n",
        "js/app.js": "console.log('hello')\n",
        "robots.txt": "User-agent: *\nDisallow:\n",
    }.items():
        _write(root / "srv/www" / name, text)
    _write(
        root / "etc/nginx/nginx.conf",
        "worker_processes auto;\n\nevents { worker_connections 1024; }\n\nhttp {\n"
        "    server {\n        listen 80;\n        root /srv/www;\n    }\n}\n",
    )
    (home / "www").symlink_to("../../srv/www")
    (home / "releases").mkdir()
    (home / "current").symlink_to("releases")


def _logs(root: Path, home: Path, chosen: random.Random) -> None:
    paths = chosen.choices(("/", "/login", "/api/items", "/static/app.js"), k=_REQUESTS)
    codes = chosen.choices((200, 304, 404, 500), (80, 10, 8, 2), k=_REQUESTS)
    lines = [
        f"10.20.0.{20 + n * 7 % 71} - - [20/Nov/2026:{n // 120:02}:{n // 2 % 60:02}:{n % 2 * 30:02}"
        f' +0000] "GET {path} HTTP/1.1" {code} {300 + n * 7919 % 20_000}\n'
        for n, (path, code) in enumerate(zip(paths, codes, strict=True))
    ]
    _write(root / "var/log/access.log", "".join(lines))
    _write(root / "var/log/error.log", "".join(line for line in lines if '" 500 ' in line))
    (home / "logs").symlink_to("../../var/log")


def _large(root: Path, home: Path, chosen: random.Random) -> None:
    """Make a file with holes: large to copy, quick to make."""
    with open(home / "backup.tar", "wb") as file:
        for start in range(0, LARGE, _STRIDE):
            file.seek(start)
            file.write(chosen.randbytes(_BLOCK))
        file.truncate(LARGE)


def _many(root: Path, home: Path, chosen: random.Random) -> None:
    folder = home / "exports"
    folder.mkdir()
    for number in range(MANY):
        size = chosen.randint(40, 4000)
        (folder / f"orders-{number:04}.csv").write_text("id,total\n" + "1,9.99\n" * (size // 7))


def _dumps(root: Path, home: Path, chosen: random.Random) -> None:
    _write(home / "schema.sql", "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);\n")
    for day in range(17, 21):
        (home / f"dump-2026-11-{day}.sql.gz").write_bytes(chosen.randbytes(800_000 + day))
    _write(home / ".pgpass", "localhost:5432:*:postgres:not-a-real-password\n")
    (home / ".pgpass").chmod(0o600)


def _odd(root: Path, home: Path, chosen: random.Random) -> None:
    folder = os.fsencode(home / "odd names")
    os.mkdir(folder)
    for name in ODD_NAMES:
        # Some file systems take only names that are UTF-8.
        with contextlib.suppress(OSError), open(folder + b"/" + name, "wb") as file:
            file.write(b"the name is " + repr(name).encode() + b"\n")
    (home / "dangling").symlink_to("nowhere")
    (home / "loop").symlink_to("loop")
    os.mkfifo(home / "queue.fifo")


_TAGGED: Mapping[str, Callable[[Path, Path, random.Random], None]] = {
    "scripts": _scripts,
    "site": _site,
    "logs": _logs,
    "large": _large,
    "many": _many,
    "dumps": _dumps,
    "odd": _odd,
}
