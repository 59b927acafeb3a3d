"""A real nginx in front of a server, with the configuration that the guide shows."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "labkit" / "guide" / "proxy.md"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/labkit.conf;
}}
"""


def example() -> str:
    """The configuration in the guide."""
    (found,) = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return found


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for course.example.org and localhost, and its key."""
    pem, key = folder / "course.pem", folder / "course.key"
    names = "subjectAltName=DNS:course.example.org,DNS:localhost"
    line = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=course.example.org"]
    subprocess.run(
        [*line, "-addext", names, "-keyout", str(key), "-out", str(pem)], check=True, stderr=subprocess.DEVNULL
    )
    return pem, key


@contextlib.contextmanager
def running(folder: Path, port: int, target: int, **changed: str | None) -> Iterator[None]:
    """Run nginx on a port in front of a server on the port `target`.

    Args:
        changed: header, with _ for -, -> another value in the configuration; None leaves the line out.
    """
    pem, key = certificate(folder)
    text = example()
    places = {"443": f"127.0.0.1:{port}", "127.0.0.1:5006": f"127.0.0.1:{target}"}
    places |= {"/etc/ssl/course.pem": str(pem), "/etc/ssl/course.key": str(key)}
    for old, new in places.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for name, value in changed.items():
        line = rf"( *proxy_set_header {name.replace('_', '-')} +)\S+;"
        text, count = re.subn(line, "" if value is None else rf"\g<1>{value};", text)
        assert count == 1, name
    (folder / "labkit.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")],
            stderr=log,
            env={**os.environ, "LC_ALL": "C"},
        )
    try:
        _wait(process, port, folder / "log.txt")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not respond on port {port}:\n{log.read_text()}")
