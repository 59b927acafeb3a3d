"""Fixtures that tests share: a free port, a running server, and the browser of this machine."""

import asyncio
import gc
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import jaxtyping
import pytest
from xdist.scheduler import LoadScopeScheduling

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes share their compiled modules
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: the problems are small, and -n shares the cores

_logs: dict[str, Path] = {}  # address -> log of a server
_checked: set[str] = set()  # test functions of which one case has started

gc.disable()  # until all is imported: see pytest_collection_finish

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


READY = "LABKIT_TESTS_READY"  # names a folder that the processes of a test run share, see tests/ready
LONG = ("test_cli_first.py", "test_guide_code.py", ".ipynb")  # files that take half a minute start first


class OneBrowser(LoadScopeScheduling):
    """One process opens all pages, from the start. The others share the other files, each as a whole.

    A browser waits most of its time, but two browsers on two cores slow each other down.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else nodeid.split("::")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Have kernels of notebooks begin in forks of a process that has imported labkit."""
    if sys.platform != "linux":  # elsewhere a process that has loaded torch may not fork
        return
    if READY not in os.environ:
        os.environ[READY] = tempfile.mkdtemp(prefix=f"labkit-{os.getpid()}-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(READY)))
        kernel = Path(os.environ[READY]) / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        line = [*_ready(), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.write_text(json.dumps({"argv": line, "display_name": "Python 3 (ipykernel)", "language": "python"}))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [os.environ[READY], os.environ.get("JUPYTER_PATH")]))
    config.option.nbval_current_env = False  # it would name the Python of this process


def _ready() -> list[str]:
    """Return the words of a command in place of `python`, which starts at once."""
    client, address = Path(__file__).parent / "ready" / "python.py", Path(os.environ[READY]) / "socket"
    return [sys.executable, "-I", "-S", str(client), str(address)]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneBrowser:
    return OneBrowser(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ("browser" not in item.path.parts, not item.path.name.endswith(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", not _types_are_checked(item))
    with _without_the_loop_of_playwright(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _without_the_loop_of_playwright(item):
        return (yield)


def _types_are_checked(item: pytest.Item) -> bool:
    """Whether labkit's functions check shapes and types in this test: in the first case of each that is not slow.

    A check takes longer than what many of the functions do, and further cases call the same functions.
    """
    function = item.nodeid.split("[")[0]
    is_first = function not in _checked
    _checked.add(function)
    return is_first and "slow" not in item.keywords and "browser" not in item.keywords


@pytest.fixture
def unchecked() -> None:
    """Switch the checks of types off in a test of labkit's own errors for wrong types."""
    jaxtyping.config.update("jaxtyping_disable", True)


@contextmanager
def _without_the_loop_of_playwright(item: pytest.Item) -> Iterator[None]:
    """Hide the event loop that Playwright leaves in its thread, where no other loop could start."""
    left = None if "browser" in item.keywords else asyncio._get_running_loop()
    if left is None:
        yield
        return
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(left)


def pytest_collection_finish() -> None:
    """Freeze imported objects: without this, garbage collection takes a sixth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """The installed Chromium; without one a browser test skips, on CI (CI=true) it fails."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        missing = f"no browser on PATH, looked for {', '.join(CHROMIUM)}"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return {**browser_type_launch_args, "executable_path": found, "args": FLAGS}


@pytest.fixture
def no_file_above():
    """no_file_above(bytes), a context: the system refuses larger files, as a full disk does.

    Python would leave incomplete compiled modules for every later process, so it writes none meanwhile.
    """
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of a file")

    @contextmanager
    def limited(size: int):
        before, compiles = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            sys.dont_write_bytecode = compiles

    return limited


@pytest.fixture
def heard():
    """A Ctrl-C as the process of a terminal receives it; a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def free_port():
    """free_port() -> a port that was free a moment ago."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def get():
    """get(url) -> (status, headers, text), without a proxy; also for status 404."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch(url: str) -> tuple[int, dict[str, str], str]:
        try:
            with opener.open(url, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read().decode()

    return fetch


@pytest.fixture(scope="session")
def log_of():
    """log_of(address) -> the log so far of a server that `serving` started."""
    return lambda base: _logs[base].read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def serving(get, tmp_path_factory):
    """serving(command, port) starts a server and yields when /liveness responds; a failure shows the log.

    With under="/labkit" its pages are below this path.
    """

    def start(command: list[str], port: int, host: str = "127.0.0.1", under: str = "") -> Iterator[str]:
        log = tmp_path_factory.mktemp("serve") / "log.txt"
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
        base = f"http://{host}:{port}{under}"
        _logs[base] = log
        try:
            _wait(process, get, base, log)
            yield base
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    return start


@pytest.fixture(scope="session")
def python() -> list[str]:
    """The words of a command in place of `python`: on Linux the process begins with labkit imported, see tests/ready.

    Tests of what a process imports, of its memory or of its end start `sys.executable` instead.
    """
    return _ready() if READY in os.environ else [sys.executable]


@pytest.fixture(scope="session")
def command(python) -> list[str]:
    """The words of a command in place of `labkit`."""
    return [*python, "-c", "import sys; from labkit.cli import main; sys.exit(main())"]


@pytest.fixture(scope="session")
def server(serving, python, free_port) -> Iterator[str]:
    """The address of `labkit serve`, run once for all tests by this Python. Its log has the number of its process.

    Lessons play their steps as fast as the machine can.
    """
    port = free_port()
    code = (
        "import os, sys; print('process', os.getpid(), flush=True); from labkit.views import lessons; "
        "lessons.WAIT = 0.1; from labkit.cli import main; sys.exit(main())"
    )
    yield from serving([*python, "-c", code, "serve", "--no-browser", "--port", str(port)], port)


def _wait(process: subprocess.Popen, get, base: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if get(f"{base}/liveness")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer at {base}/liveness:\n{log.read_text()}")


def beside(name: str) -> ModuleType:
    """Import a module of this folder, which is not on the path in pytest's importlib mode."""
    spec = importlib.util.spec_from_file_location(f"labkit_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sys.modules["labkit_tests_lazily"] = beside("lazily")  # where --jaxtyping-packages looks for the type checker


@pytest.fixture(scope="session")
def made_runs() -> ModuleType:
    """The module made_runs.py."""
    return beside("made_runs")


@pytest.fixture(scope="session")
def made_networks() -> ModuleType:
    """The module made_networks.py."""
    return beside("made_networks")


@pytest.fixture(scope="session")
def nginx(free_port, tmp_path_factory):
    """nginx(target, HEADER=value), a context: nginx as the guide configures it; gives its port. See tests/nginx.py.

    Without nginx or openssl a test skips, on CI (CI=true) it fails.
    """
    module = beside("nginx")
    if module.PROGRAM is None or shutil.which("openssl") is None:
        missing = "needs nginx and openssl"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)

    @contextmanager
    def behind(target: int, **changed: str | None) -> Iterator[int]:
        port = free_port()
        with module.running(tmp_path_factory.mktemp("nginx"), port, target, **changed):
            yield port

    return behind


@pytest.fixture(params=["windows", "whole images", "colour, N = 1", "classes"])
def draw_of_a_shape(request, made_networks):
    """A small DRAW of each kind."""
    return made_networks.network(made_networks.SHAPES[request.param])


@pytest.fixture(params=["windows", "whole images", "colour"])
def draw_for_latents(request, made_networks):
    """A small DRAW of each kind, with weights so large that z has a visible effect."""
    return made_networks.network(made_networks.LATENTS[request.param], scale=3)


@pytest.fixture
def vae_files(tmp_path, made_networks) -> dict[str, Path]:
    """Files of untrained VAEs by name: for digits, for a missing set, and for halves of images of that set."""
    return {name: made_networks.vae_file(tmp_path, name) for name in made_networks.VAES}


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """No data set is on this machine."""
    for name in ("LABKIT_DATA", "LABKIT_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.fixture
def run_folder(tmp_path: Path, made_runs: ModuleType) -> Path:
    """The folder of a run named "a", the only one in its directory."""
    return made_runs.trained(tmp_path / "runs" / "a")
