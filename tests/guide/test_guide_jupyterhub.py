"""The page about JupyterHub: its one command, and its picture."""

import shlex
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image

from labkit.cli import app
from labkit.serving.guide import FOLDER

sys.path.insert(0, str(Path(__file__).parent))

from documents import PAGES, links, tokens

PAGE = PAGES["jupyterhub"]
MOST = 150_000  # bytes of the picture


@pytest.fixture(scope="module")
def options() -> dict[str, str]:
    """The options of the page's only command that starts a hub, as the shell passes them on."""
    blocks = [token.content for token in tokens(PAGE) if token.info == "sh"]
    (command,) = [block for block in blocks if block.startswith("jupyterhub ")]
    words = shlex.split(command.replace("\\\n", ""))
    return dict(word.split("=", 1) for word in words[1:])


def test_the_hub_starts_a_command_of_labkit_that_copies_the_notebooks(options):
    group = typer.main.get_command(app)
    assert options["--Spawner.cmd"] == "labkit"
    with group.make_context("labkit", shlex.split(options["--Spawner.args"])) as context:
        assert group.resolve_command(context, shlex.split(options["--Spawner.args"]))[0] == "lab"


def test_students_have_separate_folders_and_a_password_that_jupyterhub_accepts(options):
    assert "{username}" in options["--SimpleLocalProcessSpawner.home_dir_template"]
    assert len(options["--SharedPasswordAuthenticator.user_password"]) >= 8


def test_the_page_explains_every_option_of_the_command_but_the_last_three(options):
    text = PAGE.read_text(encoding="utf-8")
    for name in list(options)[:-3]:
        assert f"- `{name}" in text or f"`--Spawner.cmd=labkit {name}" in text, name


def test_the_picture_is_small():
    (picture,) = [link for link in links(PAGE) if link.endswith(".png")]
    file = FOLDER / picture
    assert file.stat().st_size <= MOST
    with Image.open(file) as image:
        assert image.width > 1000 and image.height < image.width
