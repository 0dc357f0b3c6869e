"""The README's table of every keyword, written from the table in ``sshdash.config.keywords``.

``python -m tests.keyword_table`` brings README up to date; a test tells where it is not.
"""

import sys
import textwrap
from collections import Counter
from pathlib import Path

from sshdash.config.keywords import ALIASES, KEYWORDS, OBSOLETE, SINCE, Keyword, Use
from sshdash.config.spelling import SPELLING

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- keywords: python -m tests.keyword_table -->", "<!-- end of keywords -->"
_WORDS = {
    Use.ACTS: "acted on",
    Use.SECURITY: "no effect, always told",
    Use.IGNORED: "no effect, told where it is set",
    Use.NOT_APPLICABLE: "not applicable",
}


def table() -> str:
    """Return the section's body: a sentence and, folded, the table."""
    uses = Counter(keyword.use for keyword in KEYWORDS.values())
    rows = [_row(KEYWORDS[name]) for name in sorted(KEYWORDS)]
    obsolete = ", ".join(sorted(OBSOLETE))
    aliases = ", ".join(f"{name} ({SPELLING[other]})" for name, other in sorted(ALIASES.items()))
    words = (
        f"Of the {len(KEYWORDS)} keywords of ssh_config(5), OpenSSH 9.2 to 10, sshdash acts on"
        f" {uses[Use.ACTS]}. The others are accepted, and none of them silently changes what"
        " happens: what has no effect is told on the host card and by `resolve --explain`, and"
        " where trust depends on it also whenever a command connects."
    )
    notes = f"Older names: {aliases}. Without effect, as in OpenSSH: {obsolete}."
    return "\n".join(
        [
            textwrap.fill(words, 100),
            "",
            "<details>",
            "<summary>Every keyword</summary>",
            "",
            "| keyword | in sshdash | |",
            "| --- | --- | --- |",
            *rows,
            "",
            textwrap.fill(notes, 100),
            "",
            "</details>",
        ]
    )


def _row(keyword: Keyword) -> str:
    since = f" (since {SINCE[keyword.name]})" if keyword.name in SINCE else ""
    name = SPELLING[keyword.name]
    return f"| {name}{since} | {_WORDS[keyword.use]} | {keyword.why} |"


def with_table(readme: str) -> str:
    """Return README's text with the table as it must be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Write the table into README."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
