"""A command in a fork of the server behaves as Python itself does."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the tests start Python itself"),
]
SHOW = """
import atexit, os, sys
print(sys.argv, os.getcwd(), os.environ.get("SHOWN"), __name__, input())
print("error", file=sys.stderr)
atexit.register(print, "at the end")
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def run(python, tmp_path):
    """run(words of Python) -> the finished process."""
    environment = os.environ | {"SHOWN": "größer"}

    def finished(*words):
        given = {"input": "line\n", "capture_output": True, "text": True, "cwd": tmp_path, "env": environment}
        return subprocess.run([*python, *words], **given), subprocess.run([sys.executable, *words], **given)

    return finished


def test_the_modules_are_already_imported(run):
    script = "import sys; print({'torch', 'panel', 'labkit.views.live', 'labkit.svgd'} <= set(sys.modules))"
    ready, usual = run("-c", script)
    assert (ready.stdout, usual.stdout) == ("True\n", "False\n")


def test_arguments_streams_folder_environment_and_exit_code_are_the_same(run, tmp_path):
    (tmp_path / "show.py").write_text(SHOW)
    for words in (["-c", SHOW, "3", "ü"], ["show.py", "0"], ["-m", "show", "7"]):
        ready, usual = run(*words)
        assert (ready.returncode, ready.stdout, ready.stderr) == (usual.returncode, usual.stdout, usual.stderr), words
        assert "größer" in ready.stdout and ready.stdout.endswith("at the end\n")


@pytest.mark.parametrize(
    "script",
    [
        "raise KeyError('none')",
        "import sys; sys.exit('a reason')",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os; os.kill(os.getpid(), 9)",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
    ],
)
def test_an_error_a_signal_and_a_thread_end_the_process_in_the_same_way(script, run):
    ready, usual = run("-c", script)
    assert (ready.returncode, ready.stdout) == (usual.returncode, usual.stdout)
    assert ready.stderr.splitlines()[-1:] == usual.stderr.splitlines()[-1:]


WAIT = """
import os, time
print(os.getpid(), flush=True)
try:
    time.sleep(60)
finally:
    print("ended", flush=True)
"""


@pytest.fixture
def interruptible():
    """New processes react to SIGINT, also if the tests run as a background job of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "ended\n"), (signal.SIGTERM, ""), (signal.SIGKILL, "")], ids=str
)
def test_a_signal_reaches_the_process(number, said, python, interruptible):
    with subprocess.Popen(
        [*python, "-c", WAIT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as client:
        process = int(client.stdout.readline())
        time.sleep(0.2)  # it is inside the try statement
        client.send_signal(number)
        assert client.stdout.read() == said
    assert client.returncode == -number
    deadline = time.monotonic() + 20
    while exists(process):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def exists(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
