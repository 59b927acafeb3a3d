"""Output that all commands share in a terminal."""

import ast
from pathlib import Path

import pytest

from labkit import cli
from labkit.cli import console


def under_a_bar(**options):
    with console.progress(**options) as shown:
        list(shown.track(range(3), description="three"))


def test_a_bar_is_shown_on_the_error_stream_of_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    under_a_bar()
    out, err = capsys.readouterr()
    assert not out and "three" in err


@pytest.mark.parametrize(("terminal", "shown"), [("0", True), ("1", False)])
def test_no_bar_is_shown_in_a_file_or_if_another_process_shows_it(monkeypatch, capsys, terminal, shown):
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    under_a_bar(shown=shown)
    assert "".join(capsys.readouterr()) == ""


def test_frames_are_unchanged_under_their_bar():
    assert list(console.tracked("run.gif", 3)(iter("abc"))) == ["a", "b", "c"]


def test_each_file_is_named_with_its_size(tmp_path, capsys):
    paths = tmp_path / "a.csv", tmp_path / "[red]b.png"  # no markup
    for path in paths:
        path.write_bytes(bytes(12_345))
    console.wrote(*paths)
    assert capsys.readouterr().out == "".join(f"wrote {path} (12 kB)\n" for path in paths)


def test_a_single_line_names_the_extra_files_of_a_run(capsys):
    console.wrote_beside()
    console.wrote_beside(Path("curves.png"), Path("training.gif"))
    assert capsys.readouterr().out == "wrote curves.png and training.gif\n"


def test_no_other_module_of_the_command_line_makes_a_bar_or_reports_written_files():
    for file in set(Path(cli.__file__).parent.rglob("*.py")) - {Path(console.__file__)}:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Call) and ast.unparse(node.func) in ("Progress", "track")), file
            assert not (isinstance(node, ast.Constant) and str(node.value).startswith("wrote ")), file
