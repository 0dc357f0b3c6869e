"""Random configurations, the same for the same seed: valid, odd and wrong ones."""

import random

from sshdash.config.keywords import KEYWORDS, Kind
from tests.live import config_vocabulary as words
from tests.live.config_oracle import Case

_NAMES = [
    name
    for name, entry in KEYWORDS.items()
    if entry.kind not in (Kind.BLOCK, Kind.INCLUDE) and name not in words.NEWER
]


def random_case(seed: int) -> Case:
    """Return the case of a seed."""
    source = random.Random(seed)
    return _Generator(source).case()


def random_value(seed: int) -> Case:
    """Return a case of one keyword, in a file or with ``-o``, whose value was spoiled by chance."""
    source = random.Random(seed)
    return _Generator(source).value_case()


def sample_values(name: str) -> tuple[str, ...]:
    """Return a few right and wrong values of a keyword; none where the oracle lacks it."""
    entry = KEYWORDS[name]
    if name in words.NEWER or entry.kind in (Kind.BLOCK, Kind.INCLUDE):
        return ()
    if entry.kind is Kind.CHOICE:
        return (*entry.choices, "nonsense")
    if entry.kind is Kind.ALGORITHMS:
        return (*words.ALGORITHMS.get(name, words.KEYS), "nope")
    return (*words.GOOD[entry.kind][:4], words.BAD[entry.kind][0])


class _Generator:
    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._sound = source.random() < 0.7
        """A sound configuration holds only what ssh accepts, as far as this knows."""
        self._includes: dict[str, str] = {}

    def case(self) -> Case:
        choose = self._source
        text = self._text(depth=0)
        hosts = tuple(choose.sample(words.HOSTS, 2))
        if choose.random() < 0.3 and not hosts[0].startswith("ssh:"):
            hosts = (f"someone@{hosts[0]}", *hosts[1:])
        options: tuple[str, ...] = ()
        if choose.random() < 0.3:
            options = tuple("=".join(self._pair()) for _ in range(choose.randint(1, 3)))
        short: tuple[tuple[str, str], ...] = ()
        if choose.random() < 0.2:
            names = choose.sample(sorted(words.SHORT), choose.randint(1, 2))
            usable = 3 if self._sound else None
            short = tuple((name, choose.choice(words.SHORT[name][:usable])) for name in names)
        return Case(text, hosts, self._includes, options, short)

    def value_case(self) -> Case:
        """Return a case of one keyword."""
        choose = self._source
        self._sound = False
        name = choose.choice([name for name in _NAMES if name not in words.CAREFUL])
        value = choose.choice((*self._right_values(name), *self._bad_values(name)))
        for _ in range(choose.randint(0, 3)):
            value = self._noisy(value)
        if choose.random() < 0.2:
            return Case("", options=(f"{name}={value}",))
        return Case(f"{name}{choose.choice((' ', '=', chr(9)))}{value}\n")

    def _text(self, depth: int) -> str:
        lines: list[str] = []
        for _ in range(self._source.randint(1, 6)):
            lines += self._block(depth)
        ending = self._source.choice(("\n", "\n", "\n", "\r\n"))
        text = ending.join(lines) + self._source.choice((ending, ""))
        return text if self._sound else self._spoiled(text)

    def _spoiled(self, text: str) -> str:
        """Return `text` with odd characters put in at random places."""
        choose = self._source
        for _ in range(choose.choice((0, 0, 1, 2))):
            at = choose.randrange(len(text) + 1)
            text = text[:at] + choose.choice(words.ODD) + text[at:]
        return text

    def _block(self, depth: int) -> list[str]:
        choose = self._source
        kind = choose.random()
        lines = []
        if kind < 0.5:
            lines.append(f"Host {' '.join(choose.sample(words.PATTERNS, choose.randint(1, 3)))}")
        elif kind < 0.8:
            lines.append(f"Match {self._criteria()}")
        count = choose.randint(0, 6)
        lines += [self._indented(self._directive()) for _ in range(count)]
        if depth < 3 and choose.random() < 0.25:
            lines.append(self._indented(self._include(depth)))
        if choose.random() < 0.1:
            lines.append(choose.choice(words.STRANGE_LINES))
        if not self._sound and choose.random() < 0.15:
            lines.append(choose.choice(words.WRONG_LINES))
        return lines

    def _criteria(self) -> str:
        choose = self._source
        if not self._sound and choose.random() < 0.1:
            return choose.choice(words.WRONG_CRITERIA)
        chosen = choose.sample(words.CRITERIA[1:], choose.randint(1, 3))
        if choose.random() < 0.2:
            return choose.choice(("all", "ALL", "all # every one", "!all", "all "))
        joint = choose.choice((" ", " ", " ", "  ", "\t"))
        return joint.join(chosen)

    def _directive(self) -> str:
        choose = self._source
        if choose.random() < 0.08:
            return choose.choice(("# a comment", "", "   ", "\t# another", "IgnoreUnknown Foo*"))
        keyword, value = self._pair()
        written = choose.choice((keyword, keyword.upper(), keyword.title(), f'"{keyword}"'))
        joint = choose.choice((" ", " ", "\t", "=", " = ", "  "))
        if self._sound and written.endswith('"'):
            joint = " "
        tail = choose.choice(("", "", "", " ", "\t", " # tail"))
        if KEYWORDS[keyword].kind in (Kind.COMMAND, Kind.PROXY_JUMP):
            tail = ""
        return f"{written}{joint}{value}{tail}"

    def _pair(self) -> tuple[str, str]:
        choose = self._source
        name = choose.choice(("hostname", "user", "port", *choose.sample(_NAMES, 3)))
        return name, self._value(name)

    def _value(self, name: str) -> str:
        choose = self._source
        if not self._sound and choose.random() < 0.1:
            return choose.choice(self._bad_values(name))
        if not self._sound and name not in words.CAREFUL and choose.random() < 0.2:
            return self._noisy(choose.choice(self._right_values(name)))
        return choose.choice(self._right_values(name))

    def _noisy(self, value: str) -> str:
        """Return a value with a few characters taken out, put in or said twice."""
        choose = self._source
        for _ in range(choose.randint(1, 3)):
            at = choose.randrange(len(value) + 1)
            end = min(len(value), at + choose.choice((0, 0, 1, 2)))
            put = choose.choice(("", value[at:end] * 2, *(choose.sample(words.NOISE, 4))))
            value = value[:at] + put + value[end:]
        return value

    def _right_values(self, name: str) -> tuple[str, ...]:
        entry = KEYWORDS[name]
        values: tuple[str, ...] = words.GOOD.get(entry.kind, ())
        if name == "hostname":
            values = words.NAMES
        elif name == "user":
            values = ("bob", '"two words"', "root", "Al\udce9")
        elif name in ("canonicalizehostname", "forkafterauthentication"):
            values = ("no", "false")
        elif name == "revokedhostkeys":
            values = words.PATHS
        elif name == "dynamicforward":
            values = ("1080", "127.0.0.1:1081", "/tmp/socks.sock")
        elif entry.kind is Kind.CHOICE:
            values = entry.choices
        elif entry.kind is Kind.ALGORITHMS:
            values = words.ALGORITHMS.get(name, words.KEYS)
        return values

    def _bad_values(self, name: str) -> tuple[str, ...]:
        entry = KEYWORDS[name]
        if name in ("hostname", "user"):
            return words.FEW_BAD_NAMES
        if entry.kind is Kind.CHOICE:
            return ("nonsense", "true true")
        return words.BAD_ALGORITHMS if entry.kind is Kind.ALGORITHMS else words.BAD[entry.kind]

    def _include(self, depth: int) -> str:
        number = len(self._includes)
        names = [f"conf.d/{number}-{part}" for part in "ba"[: self._source.randint(1, 2)]]
        for name in names:
            self._includes[name] = ""
        for name in names:
            self._includes[name] = self._text(depth + 1)
        pattern = self._source.choice((f"conf.d/{number}-*", f"~/.ssh/conf.d/{number}-[ab]"))
        return f"Include {pattern}"

    def _indented(self, line: str) -> str:
        return self._source.choice(("", "  ", "\t", "    ")) + line
