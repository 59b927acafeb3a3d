"""Terms that a page explains where they are met: each has its line of the guide's glossary."""

import re
from functools import cache
from pathlib import Path

GLOSSARY = Path(__file__).parents[1] / "guide" / "glossary.md"
MET = {  # term of the glossary -> how titles, axes and labels name it
    "KSD": r"\bKSD\b",
    "bandwidth, h": r"\b[Bb]andwidth\b",
    "effective sample size": r"\b[Ee]ffective sample size\b",
    "SNR": r"\bSNR\b",
    "bound": r"\b[Bb]ound\b",
    "glimpse": r"\b[Gg]limpse\b",
    "estimator": r"\b[Ee]stimators?\b",
    "nats": r"\bnats\b",
}


@cache
def explained() -> list[dict[str, str]]:
    """Return for each term its name, its meaning, its pattern, and its place in the guide.

    Raises:
        LookupError: the glossary has no line for a term.
    """
    meanings, place = {}, ""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            place = re.sub(r"\W+", "-", line[3:].lower())
        elif found := re.fullmatch(r"\| (.+?) \| (.+) \|", line):
            meanings[found[1]] = found[2].replace("`", ""), place
    missing = [term for term in MET if term not in meanings]
    if missing:
        raise LookupError(f"the glossary explains no {', '.join(missing)}; add a line to {GLOSSARY.name}")
    return [
        {"term": term, "text": meanings[term][0], "pattern": pattern, "place": meanings[term][1]}
        for term, pattern in MET.items()
    ]
