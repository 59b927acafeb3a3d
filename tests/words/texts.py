"""Collects every text of the project that a person reads, with its file and line; imports nothing of labkit."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATTERNS = (
    "*.md", "*.toml", ".ci/*", ".github/**/*.yml", ".github/*.md", ".pre-commit-config.yaml",
    "labkit/**/*.py", "labkit/**/*.md", "labkit/**/*.js", "labkit/**/*.html",
    "labkit/lessons/shipped/*.toml",
    "dashboards/*.py", "dashboards/*.html", "notebooks/*.ipynb", "tests/**/*.py", ".ci/**/*.py",
)  # fmt: skip
READ = {"docstring", "string", "markdown"}  # the kinds whose sentences are counted
TAGS = re.compile(r"<(style|script|math|svg)\b.*?</\1>|<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
NO_PROSE = re.compile(r"[\w-]+:[^;:]+;|=>|\bconst |\bfunction\b|^[\w-]+/|^\.[\w-]+|--[\w-]+:")  # styles, scripts, paths
NO_DOCSTRING = (ast.expr, ast.Assign, ast.Return, ast.arguments, ast.alias)  # nodes that hold none
WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Text:
    """One text: `words` begin at `line` of `file`.

    Args:
        kind: "docstring", "string" (a message, a label), "markdown", "comment", "note" (a docstring of a test or of a
            private name) or "name" (of a test).
    """

    file: str
    line: int
    kind: str
    words: str


def collect(root: Path = ROOT) -> list[Text]:
    """Return the texts of all files, in the order of their names and lines."""
    files = {file for pattern in PATTERNS for file in root.glob(pattern) if file.is_file()}
    return [text for file in sorted(files) for text in of_file(file, file.relative_to(root).as_posix())]


def of_file(file: Path, name: str) -> list[Text]:
    """Return the texts of one file, in the order of their lines."""
    source = file.read_text(encoding="utf-8")
    found = {".py": python, ".ipynb": notebook, ".md": markdown, ".js": script, ".html": page}.get(file.suffix, hashes)
    found = lesson if name.startswith("labkit/lessons/") and file.suffix == ".toml" else found
    return sorted(found(source, name), key=lambda text: text.line)


def python(source: str, name: str, first: int = 0) -> Iterator[Text]:
    """Yield docstrings, comments and strings of a module; of a test its name, docstrings and comments."""
    tree = ast.parse(source)
    tests, nodes = name.startswith("tests/"), every(tree)
    docstrings = dict(documented(tree))
    for node, public in docstrings.items():
        kind = "docstring" if public and not tests else "note"
        yield Text(name, first + node.lineno, kind, aligned(node.value))
    if tests:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test"):
                yield Text(name, first + node.lineno, "name", node.name.replace("_", " "))
    else:
        for node in strings(tree):
            if node not in docstrings and prose(words := literal(node)):
                yield Text(name, first + node.lineno, "string", words)
    for line, words in comments(source, nodes):
        yield Text(name, first + line, "comment", words)


def lesson(source: str, name: str) -> Iterator[Text]:
    """Yield the texts of a lesson that a page shows."""
    for i, line in enumerate(source.splitlines(), 1):
        if re.match(r"(title|text|tell|choices)\b", line):
            yield from (Text(name, i, "string", words) for words in re.findall(r'"([^"]*)"', line))


def documented(tree: ast.AST, public: bool = True) -> Iterator[tuple[ast.Constant, bool]]:
    """Yield each docstring's node and whether its names, and all around them, are public."""
    body = getattr(tree, "body", None)
    holds = isinstance(tree, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    if holds and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        if isinstance(body[0].value.value, str):
            yield body[0].value, public
    for node in inside(tree):
        if not isinstance(node, NO_DOCSTRING):
            name = getattr(node, "name", None) or ""
            inner = isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from documented(node, public and not inner and (not name.startswith("_") or name.startswith("__")))


def inside(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly inside a node, without contexts and operators, sooner than ast.iter_child_nodes."""
    found: list[ast.AST] = []
    for field in node._fields:
        value = getattr(node, field, None)
        if type(value) is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST) and value._fields:
            found.append(value)
    return found


def every(tree: ast.AST) -> list[ast.AST]:
    """Return a tree and all nodes inside it."""
    found = [tree]
    for node in found:
        found += inside(node)
    return found


def aligned(docstring: str) -> str:
    """Return a docstring with the indent of its later lines taken off, its lines kept."""
    first, *others = docstring.split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in others if line.strip()), default=0)
    return "\n".join([first, *(line[margin:] for line in others)])


def strings(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield every string and f-string but those in annotations, which are shapes."""
    if isinstance(tree, ast.JoinedStr) or isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree
        return
    for node in inside(tree):
        if node not in (getattr(tree, "annotation", None), getattr(tree, "returns", None)):
            yield from strings(node)


def literal(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a string's words; what an f-string fills in is written {}."""
    if isinstance(node, ast.Constant):
        return node.value
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def prose(words: str) -> bool:
    """Whether a string has two words that a person reads: no styles, no script, no path."""
    bare = plain(words)
    return len(WORD.findall(bare)) > 1 and " " in bare.strip() and not NO_PROSE.search(bare)


def plain(words: str) -> str:
    """Return a text without tags; its line breaks stay."""
    return TAGS.sub(lambda tag: " " + "\n" * tag[0].count("\n"), words)


def comments(source: str, nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield each comment with its first line; lines that follow each other are one comment."""
    covered = spans(nodes)
    block: list[str] = []
    start = last = 0
    for i, line in enumerate(source.encode().split(b"\n"), 1):
        places = (found.start() for found in re.finditer(b"#", line))
        at = next((at for at in places if not any(a <= at < b for a, b in covered.get(i, ()))), None)
        if at is None:
            continue
        words = line[at:].decode().strip("#:! \r")
        if block and i == last + 1 and not line[:at].strip():
            block.append(words)
        else:
            if block:
                yield start, "\n".join(block)
            block, start = [words], i
        last = i
    if block:
        yield start, "\n".join(block)


def spans(nodes: Iterable[ast.AST]) -> dict[int, list[tuple[int, float]]]:
    """Return the bytes of each line that are inside a string."""
    found: dict[int, list[tuple[int, float]]] = {}
    for node in nodes:
        if isinstance(node, ast.JoinedStr) or isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line in range(node.lineno, node.end_lineno + 1):
                a = node.col_offset if line == node.lineno else 0
                b = node.end_col_offset if line == node.end_lineno else float("inf")
                found.setdefault(line, []).append((a, b))
    return found


def notebook(source: str, name: str) -> Iterator[Text]:
    """Yield Markdown cells, and the comments and strings of code cells, at the lines of the file."""
    lines = source.split("\n")
    at = 0
    for cell in json.loads(source)["cells"]:
        rows = "".join(cell["source"]).split("\n")
        written = json.dumps(rows[0], ensure_ascii=False)[1:-1]
        at = next((i for i in range(at, len(lines)) if written in lines[i]), at)
        if cell["cell_type"] == "markdown":
            yield Text(name, at + 1, "markdown", "\n".join(rows))
        else:
            code = "\n".join("pass" if row.lstrip().startswith(("%", "!")) else row for row in rows)
            yield from python(code, name, at)


def markdown(source: str, name: str) -> Iterator[Text]:
    """Yield the whole file; `sentences` knows its code and tables."""
    yield Text(name, 1, "markdown", source)


def script(source: str, name: str) -> Iterator[Text]:
    """Yield comments and strings of a script."""
    for found in re.finditer(r'//(.*)|/\*(.*?)\*/|"([^"\n]*)"|`([^`]*)`', source):
        words = next((group for group in found.groups() if group is not None), "")
        comment = found[0].startswith("/")
        if prose(words) or comment:
            line = source.count("\n", 0, found.start()) + 1
            yield Text(name, line, "comment" if comment else "string", re.sub(r"\$\{[^}]*\}", "{}", words))


def page(source: str, name: str) -> Iterator[Text]:
    """Yield the words between the tags of a page."""
    for i, line in enumerate(plain(source).split("\n")):
        if prose(line) and "{%" not in line:
            yield Text(name, i + 1, "string", line.strip())


def hashes(source: str, name: str) -> Iterator[Text]:
    """Yield the comments of a shell script or a file of settings."""
    for i, line in enumerate(source.split("\n")):
        found = re.search(r"(?:^|\s)#(?!!)\s*(.+)", line)
        if found:
            yield Text(name, i + 1, "comment", found[1])
