"""The command line: help, one-line errors, copies that never overwrite, and the doctor's table."""

import importlib.metadata
import io
import json
import marshal
import signal
import socket
import subprocess
import sys

import pytest
import typer
from jupyterlab_server.config import get_page_config

from labkit import places
from labkit.cli import app, checks, copies, doctor, lab, main, serve

COMMANDS = [command.name for command in app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"labkit {command}" in capsys.readouterr().out


def test_labkit_without_a_command_lists_the_commands(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command.name in shown for command in app.registered_commands if not command.hidden)


def test_the_version_equals_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"labkit {importlib.metadata.version('labkit')}"


def test_help_imports_neither_torch_nor_a_display_package():
    """With torch the help of a command takes two seconds, without it a third of a second."""
    script = (
        "import sys; from labkit.cli import app, main\n"
        "for command in ([], *([each.name] for each in app.registered_commands)):\n"
        "    main([*command, '--help'])\n"
        "    found = {'torch', 'numpy', 'param', 'panel', 'holoviews', 'bokeh'} & set(sys.modules)\n"
        "    print(*command, found, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()
    assert len(loaded) == 1 + len(COMMANDS) and [line for line in loaded if not line.endswith("set()")] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["serve", "indx"], "did you mean index?"),
        (["serve", "zzzz"], "choose one of index"),
        (["serve", "--device", "mps"], "no float64"),
        (["serve", "--device", "tpu"], "must be auto, cpu, cuda"),
        (["serve", "--device", "cuda:99"], "take --device cpu"),
        (["serve", "--port", "70000"], "labkit serve --help"),
        (["serve", "--no-browser", "--address", "203.0.113.1"], "not an address of this machine"),
        (["serve", "--nonsense"], "labkit serve --help"),
        (["serve", "--allow-host", "http://class.example"], "takes a name such as class.example"),
        (["serve", "--prefix", "/labkit?n=1"], "--prefix takes a path such as /labkit"),
        (["serve", "--root-url", "course.example.org"], "--root-url takes the public address"),
        (["serve", "--allow-origin", "https://a.example/b"], "--allow-origin takes an origin such as"),
        (["serve", "--frame-ancestor", "*"], "--frame-ancestor takes an origin such as"),
        (["serve", "--max-sessions", "0"], "labkit serve --help"),
        (["nonsense"], "labkit --help"),
        (["train", "vae", "--estimator", "dreg-alpha", "--alpha", "7"], "'--alpha'"),
        (["train", "vae", "--estimator", "dreg-alpha", "--alpha", "nan"], "'--alpha'"),
        (["train", "vae", "--steps", "0"], "'--steps'"),
        (["dreg", "race", "--estimators", "dreg-alpha=7"], "alpha must be from 0 (dreg) to 1 (rws-dreg)"),
        (["dreg", "bias", "--replicates", "40"], "must be at least 64, got 40"),
        (["dreg", "race", "--estimators", "dreg@0"], "K of a lane must be >= 1"),
    ],
)
def test_a_wrong_call_prints_one_line_and_exits_with_2(line, said, capsys):
    assert main(line) == 2
    one_line(capsys.readouterr(), said)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (["svgd", "--particles"], "--particles must be at most 999,999,999"),
        (["svgd", "--steps"], "--steps must be at most 999,999,999"),
        (["svgd", "--seed"], "--seed must be at most 9,223,372,036,854,775,807"),
        (["train", "vae", "--epochs"], "--epochs must be at most 999,999,999"),
        (["train", "vae", "--samples"], "--samples must be at most"),
        (["evaluate", "vae-mnist", "--batch"], "--batch must be at most"),
        (["sample", "draw-digits", "--n"], "--n must be at most"),
        (["dreg", "race", "--steps"], "--steps must be at most"),
        (["reproduce", "mvn", "--seed"], "--seed must be at most"),
        (["serve", "--visitors"], "--visitors must be at most"),
    ],
)
def test_a_too_large_number_prints_one_line(line, name, capsys):
    for number in (10**20, 10**4000):
        assert main([*line, str(number)]) == 2
        captured = capsys.readouterr()
        one_line(captured, name)
        assert len(captured.err) < 150


@pytest.mark.parametrize("stop", [lambda: typer.confirm("go on?"), lambda: signal.raise_signal(signal.SIGINT)])
def test_end_of_input_at_a_prompt_and_ctrl_c_stop_a_command(stop, heard, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_checks", stop)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "labkit: stopped\n"


def test_a_truncated_file_is_an_error_with_a_message(monkeypatch, capsys):
    """Python raises EOFError for a truncated compiled module, and also at a prompt without input."""
    monkeypatch.setattr(doctor, "_checks", lambda: marshal.loads(marshal.dumps("module")[:-1]))
    with pytest.raises(EOFError, match="marshal data too short"):
        main(["doctor"])
    assert "stopped" not in capsys.readouterr().err


def test_a_used_port_prints_one_line_that_names_another(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--no-browser", "--port", str(port)]) == 2
    one_line(capsys.readouterr(), f"--port {port + 1}")


@pytest.mark.parametrize(
    ("arguments", "visitors"),
    [
        ([], 1),
        (["--address", "0.0.0.0"], 30),
        (["--visitors", "7"], 7),
        (["--address", "0.0.0.0", "--visitors", "7"], 7),
    ],
)
def test_visitors_are_expected_only_where_others_may_connect(arguments, visitors, monkeypatch):
    from labkit.cli import serve
    from labkit.serving import server

    told = {}
    monkeypatch.setattr(server, "serve", lambda **options: told.update(options))
    monkeypatch.setattr(serve, "_leave", lambda: None)
    assert main(["serve", "--no-browser", *arguments]) == 0
    assert told["visitors"] == visitors


def test_lab_refuses_a_folder_without_write_access(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["lab", "--no-browser", "--dir", str(tmp_path / "file")]) == 2
    one_line(capsys.readouterr(), "another folder with --dir")


def one_line(captured, said):
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and said in captured.err


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    (folder / "pictures").mkdir(parents=True)
    for name in ("1.ipynb", "2.ipynb", "pictures/a.png", ".hidden"):
        (folder / name).write_text(f"first {name}")
    return folder


def test_the_first_copy_takes_every_file_that_is_not_hidden(shipped, tmp_path):
    done = copies.refresh(shipped, tmp_path / "mine")
    assert done["new"] == ["1.ipynb", "2.ipynb", "pictures/a.png"]
    assert not (tmp_path / "mine" / ".hidden").exists()


def test_files_that_the_reader_changed_stay_and_the_others_are_updated(shipped, tmp_path):
    mine = tmp_path / "mine"
    copies.refresh(shipped, mine)
    (mine / "1.ipynb").write_text("my answer")
    for name in ("1.ipynb", "2.ipynb"):
        (shipped / name).write_text(f"second {name}")
    for _ in range(2):  # a second copy: a kept file stays known and is not mistaken for an old copy
        done = copies.refresh(shipped, mine)
        assert done["kept"] == ["1.ipynb"]
        assert (mine / "1.ipynb").read_text() == "my answer"
        assert (mine / "2.ipynb").read_text() == "second 2.ipynb"


@pytest.mark.parametrize("damage", ["{", "[]", None])
def test_without_a_manifest_nothing_is_overwritten(shipped, tmp_path, damage):
    mine = tmp_path / "mine"
    copies.refresh(shipped, mine)
    (mine / copies.MANIFEST).unlink() if damage is None else (mine / copies.MANIFEST).write_text(damage)
    (shipped / "1.ipynb").write_text("second")
    assert copies.refresh(shipped, mine)["kept"] == ["1.ipynb"]
    assert (mine / "1.ipynb").read_text() == "first 1.ipynb"


def test_a_file_that_the_reader_made_before_the_first_copy_stays(shipped, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "1.ipynb").write_text("mine from the start")
    assert copies.refresh(shipped, mine)["kept"] == ["1.ipynb"]
    assert "1.ipynb" not in json.loads((mine / copies.MANIFEST).read_text())


def test_lab_names_the_kept_files_and_starts_jupyter_of_this_python(tmp_path):
    lines = lab.tell({"new": ["2.ipynb"], "updated": [], "same": [], "kept": ["1.ipynb"]}, tmp_path)
    assert lines[1:] == ["  2.ipynb: new", "  1.ipynb: kept as you changed it"]
    line = lab.jupyter(tmp_path, 8899, no_browser=True)
    assert line[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {"--port=8899", "--no-browser", f"--ServerApp.root_dir={tmp_path}"} <= set(line)


def test_lab_becomes_the_server_of_a_student_within_jupyterhub(tmp_path, monkeypatch):
    """The hub stops the process that it started, so the server must have the same number."""
    became = []
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    monkeypatch.setattr(lab.os, "execve", lambda *call: became.append(call))
    monkeypatch.setattr(lab.subprocess, "Popen", lambda line, env: None)
    monkeypatch.setattr(lab, "_attend", lambda process: 0)
    assert main(["lab", "--dir", str(tmp_path / "mine")]) == 0
    ((program, line, env),) = became
    assert program == line[0] == sys.executable and line[1:3] == ["-m", "jupyterhub.singleuser"]
    assert f"--ServerApp.root_dir={tmp_path / 'mine'}" in line and env["JUPYTERHUB_SERVICE_PREFIX"] == "/user/ada/"
    assert (tmp_path / "mine" / "1-svgd.ipynb").is_file()


def test_lab_passes_arguments_after_two_dashes_to_jupyterlab(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(lab.subprocess, "Popen", lambda line, env: started.append(line))
    monkeypatch.setattr(lab, "_attend", lambda process: 0)
    options = ["--allow-root", "--ServerApp.token=x", "--ip", "::1"]
    assert main(["lab", "--dir", str(tmp_path / "mine"), "--no-browser", "--", *options]) == 0
    assert started[0][-5:] == ["--no-browser", *options]


def test_lab_does_not_ask_whether_it_may_fetch_news(tmp_path, monkeypatch):
    """JupyterLab reads its configuration as its page does; a folder of the reader's own still counts."""
    own = tmp_path / "labconfig" / "page_config.json"
    own.parent.mkdir()
    own.write_text('{"disabledExtensions": {"mine": true}}')
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    asks = "@jupyterlab/apputils-extension:announcements"
    assert asks not in get_page_config([])["disabledExtensions"]
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", lab.environment()["JUPYTER_CONFIG_PATH"])
    assert {asks, "mine"} <= set(get_page_config([])["disabledExtensions"])


def test_the_packaged_folder_is_preferred_to_the_checkout(tmp_path):
    (tmp_path / "notebooks").mkdir()
    assert places.find("notebooks", tmp_path / "labkit") == tmp_path / "notebooks"
    (tmp_path / "labkit" / "_notebooks").mkdir(parents=True)
    assert places.find("notebooks", tmp_path / "labkit") == tmp_path / "labkit" / "_notebooks"
    with pytest.raises(FileNotFoundError, match="no dashboards"):
        places.find("dashboards", tmp_path / "labkit")


@pytest.mark.slow
@pytest.mark.parametrize(("words", "route"), [([], ""), (["svgd"], "svgd"), (["guide"], "guide")])
def test_serve_opens_the_named_page_or_the_guide(words, route, monkeypatch):
    from labkit.serving import server

    opened = []
    monkeypatch.setattr(server, "serve", lambda *, started, warmed, **_: (started(5006), warmed()))
    monkeypatch.setattr(serve, "_leave", lambda: None)
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["serve", *words]) == 0
    assert opened == [f"http://localhost:5006/{route}"]


def test_doctor_shows_a_row_for_everything_it_checks(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in [*checks.PACKAGES, "device cpu", "float64", "threads", "browser", "5006"])


def test_doctor_exits_with_1_when_a_package_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(checks, "PACKAGES", ("labkit", "no-such-package"))
    assert main(["doctor"]) == 1
    assert "missing" in capsys.readouterr().out


def test_doctor_names_the_next_port_and_an_invalid_data_folder(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (row,) = checks.port(taken.getsockname()[1])
    assert (row.found, row.state) == ("in use", "fair")
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "none"))
    (row,) = checks.data()
    assert row.state == "fair" and "not a folder" in row.found
