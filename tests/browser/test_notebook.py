"""The live view of notebook 1 in a real JupyterLab and Notebook: it plays, pauses, runs again, survives a reload."""

import ast
import importlib.util
import json
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import jupyter_client
import nbconvert
import nbformat
import pytest
from playwright.sync_api import TimeoutError

from labkit import places
from labkit.cli import lab
from labkit.views import stage

pytestmark = pytest.mark.browser
NAME = "1-svgd.ipynb"
PLAYING = "[run.frame.playing for run in __import__('labkit.engine').engine.engine().runs]"
FIGURE = "import holoviews as hv\nnotebook.figure(hv.Curve([3, 1, 2]).opts(title='still'))"
INK = """() => Bokeh.documents.flatMap((d) => [...d._all_models.values()])
    .filter((m) => m.type === "Figure" && m.title?.text === "still")
    .flatMap((m) => m.below).map((m) => m.major_label_text_color).find(Boolean)"""
PARTICLES = """() => [...Bokeh.documents.flatMap((d) => [...d._all_models.values()])]
    .filter((m) => m.type === "ColumnDataSource" && m.get_column("x")?.length === 100)
    .map((m) => m.get_column("x")[0])[0]"""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory, get, free_port):
    """The address of a JupyterLab on the notebook's live view and its imports, and the folder of its kernels' files."""
    tmp_path = tmp_path_factory.mktemp("jupyter")
    notebook = nbformat.read(places.find("notebooks") / NAME, as_version=nbformat.NO_CONVERT)
    first, last = (cell for cell in notebook.cells if cell.id in ("imports", "live"))
    notebook.cells = [first, nbformat.v4.new_code_cell(FIGURE), last]
    (tmp_path / "here").mkdir()
    nbformat.write(notebook, tmp_path / "here" / NAME)
    port, base = free_port(), tmp_path / "log.txt"
    own = {f"JUPYTER_{what}_DIR": str(tmp_path / what) for what in ("CONFIG", "DATA", "RUNTIME")}
    options = ["--IdentityProvider.token=", "--allow-root"]
    command = [*lab.jupyter(tmp_path / "here", port, no_browser=True), *options]
    with base.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=lab.environment() | own)
    try:
        address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while not answers(get, f"{address}/api/status"):
            assert process.poll() is None and time.monotonic() < deadline, base.read_text()
            time.sleep(0.1)
        yield address, tmp_path / "RUNTIME"
    finally:
        process.terminate()
        process.wait(timeout=20)


def answers(get, url: str) -> bool:
    try:
        return get(url)[0] == 200
    except OSError:
        return False


@pytest.fixture
def runs(jupyter, get):
    """runs() -> whether each run of the notebook's engine plays, from its kernel without the browser."""
    address, folder = jupyter

    def ask() -> list[bool]:
        kernel = json.loads(get(f"{address}/api/kernels")[2])[0]["id"]
        client = jupyter_client.BlockingKernelClient(connection_file=str(Path(folder) / f"kernel-{kernel}.json"))
        client.load_connection_file()
        client.start_channels()
        try:
            told = client.execute("", silent=True, user_expressions={"runs": PLAYING}, reply=True, timeout=30)
        finally:
            client.stop_channels()
        return ast.literal_eval(told["content"]["user_expressions"]["runs"]["data"]["text/plain"])

    return ask


def until(ask, wanted, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted:
        assert time.monotonic() < deadline, f"wanted {wanted}, got {got}"
        time.sleep(0.1)


def test_the_live_view_plays_pauses_restarts_and_returns_after_it_was_left(jupyter, runs, page, tmp_path):
    """Slow: a JupyterLab, a kernel, and a view that must be unwatched for five seconds before it pauses."""
    address, folder = jupyter
    foreign, wrong = [], []
    local = (address, f"blob:{address}", "data:", address.replace("http", "ws"))
    page.on("request", lambda request: request.url.startswith(local) or foreign.append(request.url))
    page.on("websocket", lambda socket: socket.url.startswith(local) or foreign.append(socket.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))

    def step() -> int:
        text = page.get_by_text(re.compile(r"step \d+ ·")).last.inner_text()
        return int(re.search(r"step (\d+)", text)[1])

    page.goto(f"{address}/lab/tree/{NAME}")
    # the kernel; before it exists, Run opens a dialog
    page.get_by_text(re.compile(r"\| Idle")).wait_for(timeout=30_000)
    assert page.get_by_text("notified about official Jupyter news").count() == 0
    choose_run_all(page)
    page.get_by_text(re.compile(r"step 0 · paused")).wait_for(timeout=25_000)
    assert runs() == [False], "in a notebook it starts paused"

    page.wait_for_function(f"() => ({INK})() === '{stage.INK[False]}'")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")  # as JupyterLab does for a dark theme
    page.wait_for_function(f"() => ({INK})() === '{stage.INK[True]}'")

    began = page.evaluate(PARTICLES)
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: step() > 60, True)
    assert page.evaluate(PARTICLES) > began + 1, "the particles leave for the right"
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.wait_for_timeout(500)
    stood = step()
    page.wait_for_timeout(500)
    assert step() == stood and runs() == [False]

    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: step() > stood, True)
    page.locator(".jp-CodeCell").last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.get_by_text(re.compile(r"step 0 · paused")).wait_for()
    until(runs, [False])  # the cell's first run was removed
    page.get_by_role("button", name="Play", exact=True).click()
    until(runs, [True])

    page.close()
    until(runs, [False])
    assert (foreign, wrong) == ([], [])

    assert_pictures_come_back(page.context, f"{address}/lab/tree/{NAME}", folder.parent / "here" / NAME, tmp_path)


def choose_run_all(page) -> None:
    """Choose *Run All Cells* from the menu. While JupyterLab is still starting, a click may open no menu."""
    command = page.get_by_role("menuitem", name="Run All Cells", exact=True)
    for _ in range(10):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        with suppress(TimeoutError):
            command.click(timeout=3000)
            return
    raise AssertionError("the menu Run does not open")


def run_all(page) -> None:
    """Run all cells after the page has its kernel; before that, Run opens a dialog."""
    page.locator(".jp-Toolbar-kernelName", has_text="Python 3").wait_for(timeout=30_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=30_000)
    choose_run_all(page)
    is_drawn(page)


def is_drawn(page) -> None:
    """Wait until the page has its scripts, and a figure with the particles."""
    page.wait_for_function(f"() => typeof Bokeh !== 'undefined' && ({PARTICLES})() !== undefined", timeout=25_000)
    page.locator(".bk-Figure").first.wait_for(timeout=10_000)


def save(page, path: Path) -> None:
    before = path.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    until(lambda: path.stat().st_mtime_ns > before, True)


def assert_pictures_come_back(context, address: str, path: Path, tmp_path: Path) -> None:
    """The page opens with a running kernel, and loads twice.

    The cells run again after the page has opened, but not after the reload, because the saved file has the pictures.
    HTML made from it has them too, without a network.
    """
    page = context.new_page()
    page.goto(address)
    run_all(page)
    save(page, path)
    page.reload()
    is_drawn(page)

    (tmp_path / "a.html").write_text(nbconvert.HTMLExporter().from_filename(str(path))[0])
    with context.browser.new_context(offline=True) as offline:
        alone = offline.new_page()
        alone.goto((tmp_path / "a.html").as_uri(), wait_until="domcontentloaded")
        is_drawn(alone)


def test_pictures_reappear_in_notebook_7_when_the_page_reopens_with_a_running_kernel(jupyter, get, page, tmp_path):
    """Slow: the page loads twice, and once more if no earlier test has started the notebook's kernel."""
    if importlib.util.find_spec("notebook") is None:
        pytest.skip("Notebook 7 is not installed; take pip install 'notebook>=7'")
    address, folder = jupyter
    if json.loads(get(f"{address}/api/kernels")[2]) == []:
        page.goto(f"{address}/notebooks/{NAME}")
        run_all(page)
    assert_pictures_come_back(page.context, f"{address}/notebooks/{NAME}", folder.parent / "here" / NAME, tmp_path)
