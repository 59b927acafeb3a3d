"""What a page explains where it is met: terms by the guide's glossary, and choices by the guide's tables of names."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from labkit.experiments import titles

GUIDE = Path(__file__).parents[1] / "guide"
GLOSSARY = GUIDE / "glossary.md"
MET = {  # term of the glossary -> how titles, axes and labels name it
    "KSD": r"\bKSD\b",
    "bandwidth, h": r"\b[Bb]andwidth\b",
    "effective sample size": r"\b[Ee]ffective sample size\b",
    "SNR": r"\bSNR\b",
    "variance of the gradient": r"\bVariance of the .*gradient\b",
    "bound": r"\b[Bb]ound\b",
    "glimpse": r"\b[Gg]limpse\b",
    "estimator": r"\b[Ee]stimators?\b",
    "nats": r"\bnats\b",
    "kernel, k(x, x′)": r"^Kernel k$",
    "optimiser": r"^Optimiser$",
    "tempering": r"^Tempering$",
}
CHOICES = {  # page of the guide, heading -> the labels of the lists with these choices, and the titles of the choices
    ("svgd-names", "Targets"): (r"^Target p\(x\)$", titles.TARGETS),
    ("svgd-names", "Kernels"): (r"^Kernel k$", titles.KERNELS),
    ("svgd-names", "Bandwidth rules"): (r"^Bandwidth rule$", titles.BANDWIDTHS),
    ("svgd-names", "Optimisers"): (r"^Optimiser$", titles.OPTIMIZERS),
    ("estimators", "Estimators"): (r"^(Estimator|Compare .* with)$", titles.ESTIMATORS),
}


@cache
def explained() -> list[dict[str, str]]:
    """Return for each term its name, its meaning, its pattern, and its place in the guide.

    Raises:
        LookupError: the glossary has no line for a term.
    """
    meanings = {cells[0]: (plain(cells[1]), place) for _, place, cells in rows("glossary")}
    missing = [term for term in MET if term not in meanings]
    if missing:
        raise LookupError(f"the glossary explains no {', '.join(missing)}; add a line to {GLOSSARY.name}")
    return [
        {"term": term, "text": meanings[term][0], "pattern": pattern, "place": meanings[term][1]}
        for term, pattern in MET.items()
    ]


@cache
def choices() -> list[dict[str, str]]:
    """Return for each choice that the guide explains its title, its meaning, its place in the guide, and the labels of
    the lists that have it."""
    found = []
    for (page, heading), (labels, names) in CHOICES.items():
        for above, place, (name, meaning, *bias) in rows(page):
            if above == heading and name.strip("`") in names:
                title = names[name.strip("`")]
                found.append(
                    {"term": title, "text": plain(" Bias: ".join([meaning, *bias])), "labels": labels, "place": place}
                )
    return found


def rows(page: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the rows of the tables of a page of the guide: the heading above, its address, and the cells."""
    heading, place = "", page
    for line in (GUIDE / f"{page}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            anchor = re.sub(r"\W+", "-", heading.lower())
            place = page if line.startswith("# ") else f"{page}#{anchor}"
        elif line.startswith("| ") and len(cells := line.strip("| ").split(" | ")) > 1:
            yield heading, place, cells


def plain(text: str) -> str:
    """Return text of the guide without its marks."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "")
