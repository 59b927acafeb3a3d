"""Downloads from local servers that fail, stop early, send wrong bytes or continue."""

import gzip
import http.server
import threading
from functools import partial

import pytest

from labkit import atomic, data

IMAGES = "train-images-idx3-ubyte.gz"


class Server(http.server.ThreadingHTTPServer):
    """A server of `contents` by file name; `cut` is the number of bytes before it stops, once per file."""

    daemon_threads = True

    def __init__(self, contents, ranges=True, cut=None, status=None):
        self.contents, self.ranges, self.status, self.cut = contents, ranges, status, {}
        if cut is not None:
            self.cut = dict.fromkeys(contents, cut)
        self.asked = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):  # noqa: N802
        name, wanted = self.path.lstrip("/"), self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if self.server.status or name not in self.server.contents:
            return self.send_error(self.server.status or 404)
        content = self.server.contents[name]
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        if start and start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.cut.pop(name, None)])
        return None


@pytest.fixture
def serve():
    """serve(contents, **options for errors) -> a running Server."""
    running = []

    def start(contents, **how):
        running.append(Server(contents, **how))
        threading.Thread(target=partial(running[-1].serve_forever, poll_interval=0.01), daemon=True).start()
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mnist(digits_of_mnist):
    return digits_of_mnist[0]


def names(room):
    folder = room / "cache" / "mnist"
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def test_a_set_is_downloaded_once_and_then_loads(serve, register, mnist, room):
    server = serve(mnist)
    register("mnist", mnist, [server.url])
    paths = data.fetch("mnist")
    assert [path.read_bytes() for path in paths] == list(mnist.values()) and names(room) == sorted(mnist)
    assert len(data.load("mnist", "train")[0]) == 5
    data.fetch("mnist")
    assert len(server.asked) == 4


def test_files_in_labkit_data_are_not_downloaded(serve, lay, mnist, room):
    server = serve(mnist)
    folder = lay("mnist", mnist, urls=[server.url])
    (folder / IMAGES).unlink()
    paths = data.fetch("mnist")
    assert [path.parent for path in paths] == [room / "cache" / "mnist", *[folder] * 3]
    assert server.asked == [(IMAGES, None)]
    assert len(data.load("mnist", "train")[0]) == 5  # one file from each place


@pytest.mark.parametrize("how", [{"status": 503}, {"contents": {}}, {"cut": 10}, {"cut": 10, "ranges": False}])
def test_the_next_mirror_is_used_if_one_fails(how, serve, register, mnist, room):
    bad, good = serve(how.pop("contents", mnist), **how), serve(mnist)
    register("mnist", mnist, [bad.url, good.url])
    data.fetch("mnist")
    assert names(room) == sorted(mnist) and len(bad.asked) == len(good.asked) == 4


def test_a_mirror_with_altered_or_short_files_is_skipped_and_leaves_no_file(serve, register, mnist, room):
    altered = serve({name: packed[:-1] + b"!" for name, packed in mnist.items()})
    short = serve({name: packed[:-9] for name, packed in mnist.items()})
    register("mnist", mnist, [altered.url, short.url])
    with pytest.raises(data.AlteredError) as caught:
        data.fetch("mnist")
    said = str(caught.value)
    assert IMAGES in said and said.count("expected md5") == 2 and altered.url in said and short.url in said
    assert f"{len(mnist[IMAGES]) - 9:,} bytes" in said and "LABKIT_DATA" in said
    assert names(room) == []
    good = serve(mnist)
    register("mnist", mnist, [altered.url, short.url, good.url])
    data.fetch("mnist")
    assert names(room) == sorted(mnist)


def test_a_replacement_does_not_prevent_a_download_but_another_complete_form_does(serve, lay, register):
    server = serve({"cifar-10-python.tar.gz": b"the archive"})
    lay("cifar10", {"data_batch_1_first4000.bin.gz": b"some", "test_batch_first1000.bin.gz": b"some"})
    register("cifar10", {"cifar-10-python.tar.gz": b"the archive"}, [server.url])
    (path,) = data.fetch("cifar10")
    assert path.name == "cifar-10-python.tar.gz" and len(server.asked) == 1
    path.unlink()
    lay("cifar10", {"cifar-10-binary.tar.gz": b"the other archive"})
    assert [path.name for path in data.fetch("cifar10")] == ["cifar-10-binary.tar.gz"] and len(server.asked) == 1


def test_a_mirror_that_gzipped_again_is_accepted(serve, register, mnist, room):
    packed_otherwise = {name: gzip.compress(gzip.decompress(packed), 1, mtime=1) for name, packed in mnist.items()}
    server = serve(packed_otherwise)
    register("mnist", mnist, [server.url])
    data.fetch("mnist")
    assert (room / "cache" / "mnist" / IMAGES).read_bytes() == packed_otherwise[IMAGES] != mnist[IMAGES]
    assert len(data.load("mnist", "train")[0]) == 5


def test_an_interrupted_download_is_continued_where_it_stopped(serve, register, mnist, room):
    server = serve(mnist, cut=1000)
    register("mnist", {IMAGES: mnist[IMAGES]}, [server.url])
    with pytest.raises(ConnectionError, match="stopped at 1,000 bytes.* 1,000 bytes are kept, and the next download"):
        data.fetch("mnist")
    assert names(room) == [f"{IMAGES}.part"]
    with pytest.raises(FileNotFoundError):  # an unfinished file does not count as a file
        data.load("mnist", "train")
    register("mnist", mnist, [server.url])
    server.cut.clear()
    data.fetch("mnist")
    assert server.asked[1] == (IMAGES, "bytes=1000-") and names(room) == sorted(mnist)


def test_ctrl_c_keeps_only_the_downloaded_part(serve, register, mnist, room):
    """After Ctrl-C in the middle of a file the part exists, but neither pooch's temporary file nor the final name."""

    class Bar(Quiet):
        def update(self, count):
            if count:
                raise KeyboardInterrupt

    server = serve(mnist)
    register("mnist", mnist, [server.url])
    with pytest.raises(KeyboardInterrupt):
        data.fetch("mnist", progress=lambda name: Bar())
    assert names(room) == [f"{IMAGES}.part"]
    data.fetch("mnist")
    assert names(room) == sorted(mnist)


def test_a_download_to_a_full_disk_names_its_file_and_can_continue(serve, register, mnist, room, no_file_above):
    """No other mirror is used, because the disk would be full too. The next download continues the part."""
    server, other = serve(mnist), serve(mnist)
    register("mnist", mnist, [server.url, other.url])
    with no_file_above(1000), pytest.raises(atomic.WriteError, match=rf"cannot write \S*{IMAGES}.part: File too large"):
        data.fetch("mnist")
    assert other.asked == [] and (room / "cache" / "mnist" / f"{IMAGES}.part").stat().st_size == 1000
    data.fetch("mnist")
    assert server.asked[1] == (IMAGES, "bytes=1000-") and names(room) == sorted(mnist)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("left", [b"halves of another file", b"x" * 9000, None])
def test_a_wrong_part_is_removed(ranges, left, serve, register, mnist, room):
    """The part belongs to another file, is longer than the file, or is complete (None); the result is right."""
    server = serve(mnist, ranges=ranges)
    register("mnist", mnist, [server.url])
    part = room / "cache" / "mnist" / f"{IMAGES}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(mnist[IMAGES] if left is None else left)
    data.fetch("mnist")
    assert (room / "cache" / "mnist" / IMAGES).read_bytes() == mnist[IMAGES] and names(room) == sorted(mnist)


def test_a_damaged_file_in_the_cache_is_downloaded_again(serve, register, mnist, room):
    server = serve(mnist)
    register("mnist", mnist, [server.url])
    data.fetch("mnist")
    damaged = room / "cache" / "mnist" / IMAGES
    damaged.write_bytes(mnist[IMAGES][:50])
    with pytest.raises(data.AlteredError, match="`labkit data fetch mnist`, which downloads it again"):
        data.load("mnist", "train")
    data.fetch("mnist")
    assert damaged.read_bytes() == mnist[IMAGES] and len(server.asked) == 5


def test_an_unconfirmed_download_is_rejected_until_accepted(serve, register, mnist, room):
    server = serve(mnist)
    register("fashion_mnist", mnist, [server.url], md5="0" * 32, confirmed=False)
    with pytest.raises(data.AlteredError, match="unconfirmed, .* `labkit data fetch fashion_mnist --accept`"):
        data.fetch("fashion_mnist")
    assert list((room / "cache" / "fashion_mnist").iterdir()) == []
    (room / "cache" / "fashion_mnist" / f"{IMAGES}.part").write_bytes(b"of who knows what")
    data.fetch("fashion_mnist", accept=True)
    assert len(data.load("fashion_mnist", "train")[0]) == 5


def test_without_any_mirror_the_error_is_short(register, mnist, room, free_port):
    register("mnist", mnist, [f"http://127.0.0.1:{free_port()}"])
    with pytest.raises(ConnectionError, match=f"{IMAGES} was not downloaded: .*: no connection; try again"):
        data.fetch("mnist")


class Quiet:
    total = 0

    def __init__(self):
        self.done, self.closed = 0, False

    def update(self, count):
        self.done += count

    def reset(self):
        self.done = 0

    def close(self):
        self.closed = True


def test_the_bar_counts_earlier_and_new_bytes(serve, register, mnist, room):
    server = serve(mnist)
    register("mnist", mnist, [server.url])
    part = room / "cache" / "mnist" / f"{IMAGES}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(mnist[IMAGES][:500])
    bars = {}
    data.fetch("mnist", progress=lambda name: bars.setdefault(name, Quiet()))
    assert {name: (bar.total, bar.done, bar.closed) for name, bar in bars.items()} == {
        name: (len(packed), len(packed), True) for name, packed in mnist.items()
    }


def test_pooch_prints_nothing_to_the_terminal(serve, register, mnist, capfd):
    server = serve(mnist)
    register("mnist", mnist, [server.url])
    data.fetch("mnist")
    assert capfd.readouterr() == ("", "")
