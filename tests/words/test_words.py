"""All texts that a person reads are plain English: no refused turn of phrase, no sentence that is too long.

`python tests/words/report.py PATH` prints what to change.
"""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from findings import Finding, by_part, compiled, findings, long, median_finding, refused, turns
from sentences import count, counts, sentences
from texts import Text, collect, of_file

CLASS = '''
class Run:
    """A run.

    Args:
        n: how many particles
            there are.
    """

    def _hidden(self, x: Float[Tensor, "n d"]):
        """Not public."""
        raise ValueError(f"n must be > 0, got {x}; " "choose another")  # why
        # it is refused
'''


@pytest.fixture(scope="module")
def parts():
    return by_part(collect())


@pytest.fixture(scope="module")
def found(parts):
    return {part: findings(part, texts) for part, texts in parts.items()}


def test_every_part_is_plain(found):
    """To see the advice: python tests/words/report.py PART."""
    assert [str(finding) for part in found for finding in found[part]] == []


def test_all_kinds_of_files_are_read(parts):
    kinds = {text.kind for texts in parts.values() for text in texts}
    assert kinds == {"docstring", "note", "comment", "string", "markdown", "name"}
    assert {"README.md", "notebooks/1-svgd.ipynb", "labkit/views/svgd", "dashboards", "tests/words"} <= parts.keys()


REFUSED = [
    "Press Reset to begin anew.",
    "Whoever has come is not waited for any more.",
    "Answers what was refused and why.",
    "A class of its own for one user is a drawer nobody opens.",
    "The link asks for what cannot be had",
    "The address tells the settings of the owners of the day.",
    "for that target the bill reads the other way",
    "Alone there is nobody to be pushed away by.",
    "everybody feels the average of all scores",
    "Beside it: nothing",
    "Points anew",
    "Networks and their doubt",
    "First |bias| and all of it that is not excluded, with 95 %.",
    "The same views stand in notebooks",
    "it is built for each before it is asked for",
    "--warmup is of labkit train draw, got 5",
    "test what is no tensor of numbers is refused",
    "test a configuration that is\nnone is one line",
    "draws anew from glimpse t",
    "the crossing takes for ever",
    "500 steps a second",
    "the median is that of the rounded particles",
]
PLAIN = [
    "Each image starts as an empty canvas. A thick frame means sharp strokes, a thin one soft strokes.",
    "Each step averages 64 more gradients. The upper plot shows the bias estimate with its 95 % interval.",
    "If there is no bias, that happens in at most 5 % of runs, however often you look.",
    "Visitors who have already arrived are not counted.",
    "Returns the refused settings and the reason for each.",
    "This link has settings that do not exist here",
    "The upper plot tells you which estimator is biased; P stands for the posterior.",
    '--warmup 5: only "labkit train draw" has a KL warm-up; leave it out here',
    "There is no GPU on this machine. The exact answers are in the table; x is of order 1/h.",
    "A page is prepared for each visitor, in advance, with a 95 % probability.",
    "The option `--asked` and the name `anew.whoever` are code.",
    "stand-in data",
    "seconds of its own",  # a value in links of a race, which must stay
    "Args:\n    asked, said: the values.",
    "Everything else in the table is None if there is none.",
    "Note the least squares slope and the standard error.",
]


@pytest.mark.parametrize("words", REFUSED)
def test_a_refused_turn_is_found(words):
    assert list(refused([Text("x.py", 1, "string", words)]))


@pytest.mark.parametrize("words", PLAIN)
def test_a_plain_sentence_is_not_refused(words):
    assert list(map(str, refused([Text("x.py", 1, "string", words)]))) == []


def test_a_pattern_begins_and_ends_at_a_word():
    assert all(pattern == pattern.strip() == pattern.lower() or "\\w" in pattern for pattern in turns())
    assert not compiled(["anew"]).search("renewanew x-anew anew-x")


def test_a_finding_has_the_line_of_the_words_and_advice():
    (finding,) = refused([Text("x.md", 7, "markdown", "One.\n\nTwo\nanew.")])
    assert (finding.file, finding.line) == ("x.md", 10) and "again" in finding.advice


def words(n: int) -> str:
    return " ".join(["Many", *["words"] * (n - 1)]) + "."


def test_a_sentence_may_have_thirty_words():
    assert list(long([Text("x.py", 1, "string", words(30))])) == []
    (finding,) = long([Text("x.py", 1, "string", words(30) + "\n" + words(31))])
    assert finding == Finding("x.py", 2, words(31), finding.advice) and finding.advice.startswith("31 words")


def test_half_of_the_sentences_may_have_fifteen_words():
    short, exact, more = (Text("x.py", 1, "docstring", words(n)) for n in (5, 15, 16))
    assert list(median_finding("x", [short, exact, more])) == []
    assert list(median_finding("x", [short, more, more]))


def test_comments_and_labels_are_not_counted():
    """Labels would lower the median; comments and docstrings of tests are for readers of the code."""
    assert counts([Text("x.py", 1, kind, words(40)) for kind in ("comment", "note", "name")]) == []
    assert counts([Text("x.py", 1, "string", "Step size, ε"), Text("x.py", 1, "string", "Save it.")]) == [2]


def test_code_formulas_and_lists_of_names_are_one_word():
    assert count("It reads MNIST, Omniglot, CIFAR-10, SVHN and Fashion-MNIST from disk.") == 5
    text = Text("x.md", 1, "markdown", "Call `a b c d` at $x = 1 + 2$ [here](http://a.b/c).")
    assert [n for _, _, n in sentences(text)] == [5]


@pytest.mark.parametrize(
    ("kind", "written", "counted"),
    [
        ("markdown", "# A title\n\nOne e.g. two. Three four.\n- five\n- six\n\n```\ncode it\n```\n", [2, 3, 2, 1, 1]),
        ("markdown", "| a b | c |\n|---|---|\n| d e f | g. H i |\n", [2, 1, 3, 1, 2]),
        (
            "docstring",
            "Return x.\n\n    y = a formula here\n\nArgs:\n    n: of particles.\n    m: a\n        b.",
            [2, 2, 2],
        ),
        ("string", "<b>One two.</b> Three<br>four &minus; five<style>p {no}</style>", [2, 1, 2]),
        ("string", "Use .5 of it, i.e. half (see fig. 2). Then stop!", [9, 2]),
    ],
)
def test_a_text_is_split_into_sentences(kind, written, counted):
    assert [n for _, _, n in sentences(Text("x", 1, kind, written))] == counted


def test_texts_of_a_module_have_their_kind_and_line(tmp_path):
    (tmp_path / "x.py").write_text(CLASS)
    found = [(text.line, text.kind) for text in of_file(tmp_path / "x.py", "labkit/x.py")]
    assert found == [(3, "docstring"), (11, "note"), (12, "string"), (12, "comment")]
    message, comment = [text.words for text in of_file(tmp_path / "x.py", "labkit/x.py")][2:]
    assert message == "n must be > 0, got {}; choose another" and comment == "why\nit is refused"


def test_a_test_gives_its_name_and_docstring_and_no_strings(tmp_path):
    (tmp_path / "x.py").write_text('def test_it_is_plain():\n    """It is."""\n    assert f("two words")\n')
    found = [(text.kind, text.words) for text in of_file(tmp_path / "x.py", "tests/x.py")]
    assert found == [("name", "test it is plain"), ("note", "It is.")]


def test_a_notebook_gives_markdown_comments_and_strings(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Some words."]},
        {"cell_type": "code", "source": ["%pip install x\n", 'print("two words")  # a reason']},
    ]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}, indent=1))
    found = [(text.line, text.kind, text.words) for text in of_file(tmp_path / "x.ipynb", "notebooks/x.ipynb")]
    assert found[0] == (6, "markdown", "# Title\nSome words.")
    assert {text[1:] for text in found[1:]} == {("string", "two words"), ("comment", "a reason")}


def test_styles_paths_and_shapes_are_not_read(tmp_path):
    written = 'a = "color: red; width: 2px;"\nb = "labkit/x y"\nc: Float[Tensor, "n dd ee"] = "one"\nd = "the label"\n'
    (tmp_path / "x.py").write_text(written)
    assert [text.words for text in of_file(tmp_path / "x.py", "labkit/x.py")] == ["the label"]
