"""`labkit data`: the list, the download, and short errors for mistakes."""

import pytest

from labkit.cli import data as command
from labkit.cli import main
from labkit.data import SETS


def test_the_list_has_every_set_and_its_place(lay, digits_of_mnist, room, capsys):
    lay("mnist", digits_of_mnist[0])
    assert main(["data", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in SETS)
    assert "LABKIT_DATA" in shown and "not downloaded" in shown and "scikit-learn" in shown and "60,000 train" in shown
    assert f"cache: {room / 'cache'}" in shown


def test_without_an_action_it_lists_all_sets_or_the_named_ones(room, capsys):
    assert main(["data"]) == 0
    assert "svhn" in capsys.readouterr().out
    assert main(["data", "list", "mnist"]) == 0
    assert "svhn" not in capsys.readouterr().out


def test_the_list_shows_a_replacement_and_a_missing_split(lay, room):
    from labkit.data import files

    folder = lay("cifar10", {"data_batch_1_first4000.bin.gz": b"", "test_batch_first1000.bin.gz": b""})
    assert files.where("cifar10") == "LABKIT_DATA (prefix: first 4,000 / 1,000)"
    (folder / "test_batch_first1000.bin.gz").unlink()
    assert files.where("cifar10") == "LABKIT_DATA (prefix: first 4,000 / 1,000), no test"
    (folder / "data_batch_1_first4000.bin.gz").unlink()
    assert files.where("cifar10") == "not downloaded"


def test_fetch_prints_the_place_of_each_file(lay, digits_of_mnist, capsys):
    folder = lay("mnist", digits_of_mnist[0])
    assert main(["data", "fetch", "mnist", "digits"]) == 0
    shown = capsys.readouterr().out
    assert all(f"mnist: {folder / file}" in shown for file in digits_of_mnist[0])
    assert "digits: nothing to download" in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["fetch", "mnst"], "did you mean mnist?"),
        (["list", "qqqq"], "choose one of digits, mnist"),
        (["fetsh"], "did you mean fetch?"),
        (["fetch"], "needs a name"),
        (["fetch", "mnist", "--nonsense"], "labkit data --help"),
    ],
)
def test_a_mistake_prints_one_line_and_returns_2(line, said, room, capsys):
    assert main(["data", *line]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err


def test_a_failed_download_prints_one_line(register, digits_of_mnist, free_port, capsys):
    register("mnist", digits_of_mnist[0], [f"http://127.0.0.1:{free_port()}"])
    assert main(["data", "fetch", "mnist"]) == 2
    captured = capsys.readouterr()
    assert "no connection" in captured.err and len(captured.err.strip().splitlines()) == 1


def test_accept_reaches_the_download(lay, digits_of_mnist, capsys):
    lay("fashion_mnist", digits_of_mnist[0], md5="0" * 32, confirmed=False)
    assert main(["data", "fetch", "fashion_mnist"]) == 2
    assert "--accept" in capsys.readouterr().err
    assert main(["data", "fetch", "fashion_mnist", "--accept"]) == 0


def test_the_bar_follows_poochs_protocol():
    from rich.console import Console
    from rich.progress import Progress

    bars = Progress(console=Console(quiet=True))
    bar = command._Bar(bars, "file")
    bar.reset()
    bar.total = 100
    bar.update(30)
    bar.update(20)
    assert bar.total == 100 and bars.tasks[0].completed == 50
    bar.close()
