"""labkit in JupyterLab and JupyterHub: how the extension jupyter-server-proxy starts the server and passes requests on.

The extension finds `server` by the entry point `jupyter_serverproxy_servers`. labkit does not need the extension.
"""

import sys
from typing import Any

NAME = "labkit"  # the entry point and the last part of the path have this name
STARTS = 120  # seconds that the server may take to respond


def server() -> dict[str, Any]:
    """Return the command of a user's own labkit server, and its entry in the launcher of JupyterLab.

    The extension replaces {port} and {base_url}. It passes on the public Host and Origin, which labkit cannot know, so
    they are replaced too. Jupyter checks user and origin of each request itself.
    """
    place = ["--port", "{port}", "--prefix", f"{{base_url}}{NAME}"]
    return {
        "command": [sys.executable, "-m", "labkit.cli", "serve", "--no-browser", *place],
        "absolute_url": True,
        "timeout": STARTS,
        "request_headers_override": {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"},
        "launcher_entry": {"title": "labkit"},
    }
