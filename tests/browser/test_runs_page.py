"""The page /runs in a real browser: a run grows with its files; without a run the page says what to do."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect
from safetensors.torch import save_file

pytestmark = pytest.mark.browser

CONFIG = {
    "kind": "draw",
    "config": {"steps": 2},
    "facts": {"data": "<b>made up</b>"},
    "settings": {"epochs": 2, "steps": 200, "batch_size": 50},
}
CURVE = """() => {
  const figures = [...Bokeh.documents[0]._all_models.values()].filter((m) => m.type === "Figure")
  const lines = figures.flatMap((f) => f.renderers).filter((r) => r.glyph?.type === "Line" && Bokeh.index.find_one(r))
  return lines.length ? Math.max(...lines.map((r) => Math.max(...r.data_source.data.x))) : null
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place") / "runs"


@pytest.fixture(scope="module")
def here(serving, command, free_port, place):
    """The address of a server that reads a separate directory of the test."""
    port = free_port()
    yield from serving([*command, "serve", "--no-browser", "--port", str(port), "--runs", str(place)], port)


def record(folder, *steps):
    with (folder / "metrics.csv").open("a") as file:
        file.writelines(
            f"{step},{1 + step // 150},{200 - step / 2},{190 - step / 2},10.0,{step / 10}\n" for step in steps
        )


def evaluated(folder, epoch, step, bound):
    (folder / "samples").mkdir(exist_ok=True)
    Image.fromarray(np.full((20, 20), 60 * epoch, np.uint8)).save(folder / "samples" / f"epoch-{epoch:04d}.png")
    with (folder / "epochs.csv").open("a") as file:
        file.write(f"{step},{epoch},{bound},{bound - 10},10.0,6.0,4.0\n")


def test_a_run_appears_and_grows_with_its_files(here, page, place):
    """First no run, then an evaluated run, then its end, then an earlier sheet; all on one page."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    expect.set_options(timeout=15_000)
    page.goto(f"{here}/runs")
    page.get_by_text(str(place), exact=True).wait_for()
    page.get_by_text("labkit train draw --data digits --preset digits").wait_for()

    folder = place / "mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "metrics.csv").write_text("step,epoch,bound,lx,lz,seconds\n")
    (folder / "epochs.csv").write_text("step,epoch,bound,lx,lz,kl_1,kl_2\n")
    record(folder, 10, 20, 100)
    evaluated(folder, 1, 100, 131.25)
    for cell in ("training now", "100 of 200", "131.25", "<b>made up</b>"):
        page.get_by_role("cell", name=cell).first.wait_for()
    page.get_by_text("samples of epoch 1").wait_for()
    page.wait_for_function(f"() => ({CURVE})() === 100")

    evaluated(folder, 2, 200, 101.5)
    record(folder, 200)
    page.get_by_text("samples of epoch 2").wait_for()
    page.get_by_role("cell", name="done", exact=True).wait_for()
    page.wait_for_function(f"() => ({CURVE})() === 200")
    page.get_by_role("slider", name="Samples of an earlier epoch").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("samples of epoch 1").wait_for()
    expect(page).to_have_url(f"{here}/runs?epoch=1")
    assert wrong == []


def test_a_link_to_an_unknown_run_and_a_damaged_folder_leave_the_others(here, page, place):
    (place / "torn").mkdir(parents=True)
    (place / "torn" / "config.json").write_text("{")
    page.goto(f"{here}/runs?run=runs%2F..%2Felsewhere")
    page.get_by_text("This link has settings or values that do not exist here").wait_for()
    page.get_by_text("torn: ").wait_for()
    page.get_by_text("samples of epoch 2").wait_for()


def test_draw_offers_the_runs_and_continues_if_one_does_not_load(here, page, place):
    """Weights that do not fit their named network; the page then uses a network of labkit."""
    (place / "odd").mkdir(parents=True)
    (place / "odd" / "config.json").write_text(json.dumps(CONFIG))
    save_file({"w": torch.zeros(1)}, place / "odd" / "model.safetensors", {"kind": "draw", "config": "{}"})
    page.goto(f"{here}/draw?model=runs%2Fodd")
    page.get_by_text("runs/odd: ").first.wait_for()
    page.get_by_role("combobox").select_option("MNIST, 10 glimpses (draw-small)")
    page.get_by_role("button", name="Reset").wait_for()
