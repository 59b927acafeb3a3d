"""*Train one now*: one training at a time, stoppable, only for a visitor on this machine or with the teacher's key."""

import json
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from labkit.experiments.runs import read
from labkit.serving import messages, training
from labkit.serving.training import Train, Trainer

HERE = "http://127.0.0.1:5006"


@pytest.fixture
def trainer(tmp_path, heard):
    """A trainer that stops at the end."""
    made = Trainer(lambda: tmp_path)
    yield made
    made.stop()


@pytest.fixture
def sleeping(monkeypatch):
    """Processes that sleep instead of training; gives their commands."""
    commands, popen = [], subprocess.Popen

    def start(command, **rest):
        commands.append(command)
        return popen([sys.executable, "-c", "import time; time.sleep(60)"], **rest)

    monkeypatch.setattr(subprocess, "Popen", start)
    return commands


def asked(trainer, order, method="POST", ip="127.0.0.1", key=None, **headers):
    """What /train answers: the status and the object."""
    body = b"" if order is None else json.dumps({"order": order, "key": key}).encode()
    sent = HTTPHeaders({"Host": "127.0.0.1:5006"} | {name.replace("_", "-"): value for name, value in headers.items()})
    line = RequestStartLine(method, "/train", "HTTP/1.1")
    connection = SimpleNamespace(context=SimpleNamespace(remote_ip=ip), set_close_callback=lambda _: None)
    request = HTTPServerRequest(start_line=line, headers=sent, body=body, connection=connection)
    rooms = SimpleNamespace(is_key=lambda given: given == "right")
    handler = Train(SimpleNamespace(settings={}, ui_modules={}, ui_methods={}), request, trainer=trainer, rooms=rooms)
    said = []
    handler.write = said.append
    getattr(handler, method.lower())()
    return handler.get_status(), said[0]


@pytest.mark.slow
def test_a_stopped_training_saves_itself(trainer, tmp_path, python, monkeypatch):
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **rest: popen([*python, *command[1:]], **rest))
    name = trainer.start()
    until = time.monotonic() + 120
    while time.monotonic() < until and not (tmp_path / name / "metrics.csv").exists():
        time.sleep(0.05)
    trainer.stop()
    state = read(tmp_path / name)
    assert not trainer.is_running and 0 < state.step < state.steps == 2000 and state.exported


def test_one_training_at_a_time_each_with_its_own_folder(trainer, sleeping, tmp_path):
    assert trainer.start() == "digits-1"
    with pytest.raises(ValueError, match="digits-1 runs already; stop it"):
        trainer.start()
    trainer.stop()
    (tmp_path / "digits-1").mkdir()
    assert trainer.start() == "digits-2"
    assert [command[2:5] for command in sleeping] == [["labkit.cli", "train", "draw"]] * 2


def test_a_visitor_on_this_machine_starts_and_stops(trainer, sleeping):
    assert asked(trainer, None, "GET") == (200, {"running": False, "run": "", "allowed": True})
    assert asked(trainer, "start", Origin=HERE) == (200, {"running": True, "run": "digits-1"})
    assert asked(trainer, "start", Origin=HERE)[0] == 409
    assert asked(trainer, "stop", Origin=HERE)[0] == 200
    trainer._process.wait(20)
    assert asked(trainer, None, "GET")[1]["running"] is False


def test_another_machine_needs_the_key(trainer, sleeping):
    far = {"ip": "192.168.1.7", "Origin": HERE}
    assert asked(trainer, None, "GET", ip="192.168.1.7")[1]["allowed"] is False
    for key in (None, "", "wrong", 7):
        status, said = asked(trainer, "start", key=key, **far)
        assert status == 403 and "needs the teacher's key" in said["error"]
    assert sleeping == [] and asked(trainer, "start", key="right", **far)[0] == 200


def test_a_proxy_on_this_machine_gives_no_right(trainer, sleeping):
    assert asked(trainer, "start", Origin=HERE, X_Forwarded_For="192.168.1.7")[0] == 403 and sleeping == []


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"{HERE}1"}])
def test_a_page_of_another_site_is_refused(trainer, sleeping, origin):
    assert asked(trainer, "start", **origin)[0] == 403 and sleeping == []


@pytest.mark.parametrize("order", ["", "train", None, ["start"]])
def test_another_order_is_refused(trainer, sleeping, order):
    assert asked(trainer, order, Origin=HERE)[0] == 400 and sleeping == []


def test_a_long_request_is_not_read():
    long = b'{"order": "start"}' + b" " * training.LONGEST
    assert messages.read(long, training.LONGEST) == {} == messages.read(b"[" * 1000)


def test_the_end_of_the_server_stops_the_training(trainer, sleeping):
    trainer.start()
    training.stop_all()
    assert not trainer.is_running
