"""The page of runs shows the shipped example only while there is no other run."""

import io
import runpy
from contextlib import redirect_stdout

from labkit import places
from labkit.views.runs import RunsScene


def test_a_page_without_runs_shows_the_example_and_how_to_make_a_run(tmp_path):
    scene = RunsScene(tmp_path)
    found = scene._find()
    assert found.example and found.name == "example-digits" and found.state.sheet is not None and not found.drawable
    scene._show(found)
    assert "There is no run in" in scene.listing.object
    assert "The same command made it" in scene.listing.object
    assert f"{found.state.bound:.2f} nats" in scene.listing.object and len(scene.stages) == 4
    assert "<b>example-digits</b> · samples of epoch 143" == scene.head.object


def test_the_first_run_replaces_the_example(tmp_path, made_runs):
    scene = RunsScene(tmp_path)
    scene._show(scene._find())
    made_runs.trained(tmp_path / "mine")
    found = scene._find()
    scene._show(found)
    assert (found.example, found.name) == (False, "mine") and "example" not in scene.listing.object


def test_a_link_to_a_missing_run_shows_no_example(tmp_path):
    found = RunsScene(tmp_path, "gone")._find()
    assert not found.example and found.state is None


def test_the_python_of_the_page_reads_the_run_with_the_samples_of_the_chosen_epoch(tmp_path):
    scene = RunsScene(tmp_path)
    assert scene.code() == ""
    scene.epoch = 1
    scene._show(found := scene._find())
    names, said = {}, io.StringIO()
    with redirect_stdout(said):
        exec(scene.code(), names)
    assert names["state"].shown == found.state.shown and (names["state"].sheet == found.state.sheet).all()
    assert said.getvalue().split()[0] == str(found.state.step)


def test_the_picture_of_the_start_page_shows_all_samples_of_the_example_in_their_order():
    make = runpy.run_path(str(places.find("dashboards") / "pictures" / "make.py"))
    make["use_bokeh"]()
    views, states = make["training"]()
    assert list(dict.fromkeys(state.shown for state in states)) == [10, 70, 143]
    assert [state.step for state in states] == sorted({state.step for state in states})
    first, last = make["paint"](views, [states[0], states[-1]], dark=True)
    assert first.size == last.size == make["SIZE"] and first.tobytes() != last.tobytes()
