"""Prints the words that should change in files or folders: python tests/words/report.py [PATH ...]"""

import sys
from pathlib import Path

from findings import by_part, findings
from sentences import counts, median
from texts import ROOT, collect


def main(paths: list[str]) -> int:
    """Print every finding under the paths (default: the whole project); return 1 if there is one."""
    wanted = [Path(path).resolve().relative_to(ROOT).as_posix() for path in paths]
    texts = [text for text in collect() if not wanted or any(within(text.file, path) for path in wanted)]
    total = 0
    for part, members in by_part(texts).items():
        found = findings(part, members)
        total += len(found)
        print(*found, sep="\n", end="\n" if found else "")
        middle, n = median(members), len(counts(members))
        print(f"== {part}: {len(found)} findings; {n} sentences, median {middle:g} words")
    print(f"{total} findings")
    return int(total > 0)


def within(file: str, path: str) -> bool:
    """Whether a file is that path or under it."""
    return path == "." or file == path or file.startswith(path + "/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
