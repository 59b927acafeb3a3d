"""Runs the blocks and the commands of documents in one process, in the current folder, and prints the results.

It reads JSON from its input: {"blocks": [[name, [code, ...]], ...], "commands": [[word, ...], ...]}. It prints JSON on
its last line: {"blocks": {name: error}, "commands": [[exit code, output], ...]}, where "" means success.
"""

import contextlib
import io
import json
import sys
import traceback
import warnings
from typing import Any

MANY = 2000  # training images, from which a command is checked up to its first step


def run_blocks(name: str, codes: list[str]) -> str:
    """Run the blocks of a document one after the other, as a reader would; return what went wrong."""
    names: dict[str, Any] = {"__name__": name}
    for code in codes:
        try:
            exec(compile(code, name, "exec"), names)
        except Exception:
            return f"{code}\n{traceback.format_exc()}"
    return ""


def run_command(words: list[str]) -> tuple[int, str]:
    """Run one command; return its exit code and what it printed."""
    from labkit.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception:
            code = -1
            traceback.print_exc()
    return code, said.getvalue()


def shorten_training() -> None:
    """Have runs on large data sets end before their first step; the settings, data and network are made."""
    from labkit import training

    fit = training.fit

    def short(task: Any, settings: Any, folder: Any, train: Any, test: Any = None) -> Any:
        return (each for each in ()) if len(train[0]) > MANY else fit(task, settings, folder, train, test)

    training.fit = short


def main() -> None:
    """Run what the input holds."""
    warnings.simplefilter("ignore")
    wanted = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):
        blocks = {name: run_blocks(name, codes) for name, codes in wanted["blocks"]}
    shorten_training()
    commands = [run_command(words) for words in wanted["commands"]]
    print(json.dumps({"blocks": blocks, "commands": commands}))


if __name__ == "__main__":
    main()
