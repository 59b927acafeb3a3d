"""Sentences of a text with their lines and how many words they have; code, formulas and lists of names count as one."""

import html
import re
import statistics
from collections.abc import Iterable, Iterator
from functools import cache

from texts import READ, Text, plain

MEDIAN, LONGEST = 15, 30  # words
LABEL = 4  # at most 4 words without a full stop are a label: labels do not lower the median
FENCED = re.compile(r"^( *)(```|~~~).*?^ *\2", re.DOTALL | re.MULTILINE)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$|\[MATH\]", re.DOTALL)
CODE = re.compile(r"``.+?``|`[^`]*`|https?://\S+", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
BREAK = re.compile(r"<(?:p|br|li|ul|ol|div|td|th|tr|h\d|summary|details|img)\b[^>]*>|</(?:p|li|td|th|h\d|summary)>")
SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields|Examples?|Notes?):$")
ENTRY = re.compile(r"^\s*[\w*`., \[\]]{1,60}: ")
START = re.compile(r"^\s*(?:[-*+] |\d+\. |#+ |> |\|)")
NAMES = re.compile(r"[^\s,]+(?:, [^\s,;.:]+(?: [^\s,;.:]+)?){2,},? (?:and|or) [^\s,]+|[^\s,]+(?:, [^\s,;.:]+){3,}")
COLUMNS = re.compile(r"\S {3,}\S")
SHORT = ("e.g", "i.e", "et al", "vs", "cf", "fig", "eq", "no", "dr", "etc", "approx", "sec", "p", "incl", "st")
END = re.compile(r"[.!?]+[\"'”’)*_\]]*\s+")


@cache
def sentences(text: Text) -> list[tuple[int, str, int]]:
    """Return the line, the words and the count of each sentence, title, label and table cell of a text."""
    found = []
    for line, words in units(text):
        start = 0
        for end in [*END.finditer(words), None]:
            stop = end.end() if end else len(words)
            if end and words[start : end.start()].lower().rsplit(" ", 1)[-1].lstrip("(") in SHORT:
                continue
            sentence = words[start:stop].strip()
            if sentence:
                found.append((line + words.count("\n", 0, start), " ".join(sentence.split()), count(sentence)))
            start = stop
    return found


def count(sentence: str) -> int:
    """Return how many words a sentence has; a list of four names or more is one."""
    flat = NAMES.sub("list", " ".join(sentence.split()))
    return sum(any(letter.isalnum() for letter in word) for word in flat.split())


def units(text: Text) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs, titles, items and cells of a text, each with its line."""
    words = text.words
    if text.kind == "markdown":
        words = FENCED.sub(blank, words)
    elif text.kind == "string":
        words = re.sub(r"<math\b.*?</math>", " [MATH] ", words, flags=re.DOTALL)
        words = plain(BREAK.sub(lambda tag: "\n\n" if "\n" not in tag[0] else tag[0], words))
        words = html.unescape(words)
    words = FORMULA.sub(lambda found: "FORMULA" + "\n" * found[0].count("\n"), words)
    words = LINK.sub(r"\1", CODE.sub(lambda found: "CODE" + "\n" * found[0].count("\n"), words))
    block: list[str] = []
    first, section = 0, False
    margin = 4 if text.kind in {"docstring", "note", "markdown"} else 1000
    for i, line in enumerate([*words.split("\n"), ""]):
        indent = len(line) - len(line.lstrip())
        if text.kind == "docstring":
            heading = SECTION.match(line)
            section = bool(heading) or section and (not line.strip() or indent > 0)
            entry = section and indent == margin and ENTRY.match(line)
        else:
            heading, entry = None, None
        row = text.kind == "markdown" and line.lstrip().startswith("|")
        aside = indent >= margin and not section and (text.kind != "markdown" or not block)
        aside = aside or text.kind == "docstring" and COLUMNS.search(line)  # a formula, a table, code
        if not line.strip() or heading or entry or aside or row or START.match(line):
            if block:
                yield text.line + first, "\n".join(block)
            block = []
        if row:
            yield from ((text.line + i, cell.strip()) for cell in line.split("|") if cell.strip(" -:"))
        elif line.strip() and not heading and not aside:
            if not block:
                first = i
            block.append(ENTRY.sub("", line, count=1) if entry else START.sub("", line))


def blank(found: re.Match) -> str:
    """Return as many empty lines."""
    return "\n" * found[0].count("\n")


def counts(texts: Iterable[Text]) -> list[int]:
    """Return the words of each sentence that is counted: no title, no label."""
    found = ((words, n) for text in texts if text.kind in READ for _, words, n in sentences(text))
    return [n for words, n in found if n > LABEL or words.endswith((".", "!", "?"))]


def median(texts: Iterable[Text]) -> float:
    """Return the median length of the sentences, 0 without any."""
    return statistics.median(counts(texts) or [0])
