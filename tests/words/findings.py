"""Finds refused turns of phrase and sentences that are too long."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentences import LONGEST, MEDIAN, median, sentences
from texts import READ, Text

REFUSED = Path(__file__).parent / "refused.toml"
CODE = re.compile(
    r"```.*?```|`[^`]*`|https?://\S+|^ {4}[\w*, ]{1,40}:(?= )|\bNone\b|\bTrue\b", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Finding:
    """Words that should change, their place, and advice."""

    file: str
    line: int
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.found}\n    {self.advice}"


def turns(path: Path = REFUSED) -> dict[str, str]:
    """Return pattern -> advice."""
    sections = tomllib.loads(path.read_text(encoding="utf-8"))
    return {pattern: advice for section in sections.values() for pattern, advice in section.items()}


def compiled(patterns: Iterable[str]) -> re.Pattern:
    """Return one expression for all patterns. Groups around each of them would make it several times as slow."""
    joined = re.sub(r"\(\?<!(\w+) \)", r"(?<!\1\\s)", "|".join(patterns)).replace(" ", r"\s+")  # behind: of fixed width
    return re.compile(rf"(?<![\w-])(?:{joined})(?![\w-])")


def refused(texts: Iterable[Text]) -> Iterator[Finding]:
    """Yield every refused turn, with the words around it."""
    known = turns()
    expression = compiled(known)
    for text in texts:
        words = CODE.sub(lambda found: re.sub(r"[^\n]", "~", found[0]), text.words).lower()
        for match in expression.finditer(words):
            start, stop = max(0, match.start() - 50), match.end() + 50
            around = " ".join(text.words[start:stop].split())
            pattern = next(each for each in known if compiled([each]).match(words, match.start()))
            line = text.line + text.words.count("\n", 0, match.start())
            turn = " ".join(match[0].split())
            yield Finding(text.file, line, f"... {around} ...", f'"{turn}" -> {known[pattern]}    [{pattern[:60]}]')


def long(texts: Iterable[Text]) -> Iterator[Finding]:
    """Yield every sentence of more than `LONGEST` words that a user reads."""
    for text in texts:
        if text.kind in READ:
            for line, words, n in sentences(text):
                if n > LONGEST:
                    yield Finding(text.file, line, words, f"{n} words, at most {LONGEST}: split it")


def median_finding(part: str, texts: list[Text]) -> Iterator[Finding]:
    """Yield a finding if half of the sentences of a part are longer than `MEDIAN` words."""
    middle = median(texts)
    if middle > MEDIAN:
        yield Finding(part, 0, f"the median sentence has {middle:g} words", f"at most {MEDIAN}: shorten some")


def part_of(file: str) -> str:
    """Return the part that a file belongs to: its folder; notebooks and files at the top are parts themselves."""
    folder = file.rpartition("/")[0]
    return file if folder in {"", "notebooks"} else folder


def by_part(texts: Iterable[Text]) -> dict[str, list[Text]]:
    """Return the texts of each part of the project."""
    parts: dict[str, list[Text]] = {}
    for text in texts:
        parts.setdefault(part_of(text.file), []).append(text)
    return parts


def findings(name: str, texts: list[Text]) -> list[Finding]:
    """Return all findings of one part, in the order of files and lines."""
    found = [*refused(texts), *long(texts), *median_finding(name, texts)]
    return sorted(found, key=lambda finding: (finding.file, finding.line))
