"""What the README shows is what happens."""

import contextlib
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
from command import call
from readme import BLOCKS, COMMANDS, CONSOLE, GOLDEN, PAGES, README, ROOT, golden, output, prepare, skip_without_minilm

import attnexplain

CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
JUSTFILE = (ROOT / ".justfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(("command", "_", "shown"), CONSOLE, ids=range(len(CONSOLE)))
def test_shown_output_is_real(command, _, shown, monkeypatch):
    monkeypatch.chdir(ROOT)
    skip_without_minilm(command)
    code, out, err = call("--width", "80", *shlex.split(command.removeprefix("$ attnexplain ")))
    assert (code, err) == (0, "")
    at = 0
    for piece in re.split(r"^…\n", shown, flags=re.MULTILINE):
        assert piece in out[at:]
        at = out.index(piece, at) + len(piece)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the sentences, for the commands that write files."""
    path = tmp_path_factory.mktemp("readme")
    prepare(path)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_what_it_showed(command, folder):
    skip_without_minilm(command)
    shown, expected = output(command, folder), golden(command).read_text(encoding="utf-8")
    if "minilm" in command:  # computed in float32, where another processor rounds otherwise
        number = r"-?\d+\.\d+"
        assert re.sub(number, "#", shown) == re.sub(number, "#", expected)
        found, kept = ([float(text) for text in re.findall(number, texts)] for texts in (shown, expected))
        assert found == pytest.approx(kept, abs=0.011)
    else:
        assert shown == expected


def test_every_command_has_its_output_and_every_output_its_command():
    assert {golden(command) for command in COMMANDS} == set(GOLDEN.iterdir())


def test_the_first_screen_has_one_sentence_a_picture_a_command_and_its_output():
    title, sentence, picture, console = [part for part in README.split("\n\n") if part.strip()][:4]
    assert title == "# attnexplain"
    assert sentence.count(".") == 1
    assert (ROOT / re.search(r"\((.*?)\)", picture)[1]).is_file()
    assert console.startswith("```console\n$ attnexplain ")


def test_the_two_commands_that_set_up_are_each_one_line():
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert lines[0].endswith('.venv/bin/attnexplain "The river bank was flooded after the storm"')
    assert lines[1].endswith(".venv/bin/pytest -n auto --dist loadfile")


def test_the_example_of_own_numbers_works(tmp_path):
    example = next(text for kind, text in BLOCKS if kind == "json")
    path = tmp_path / "numbers.json"
    path.write_text(example, encoding="utf-8")
    written = json.loads(call("--json", "--model", str(path))[1])
    assert written["tokens"] == ["please", "study", "man"]


def test_the_python_examples_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "sentences", "sentences")
    names = {}
    for example in (text for kind, text in BLOCKS if kind == "python"):
        for library in ("pandas", "matplotlib", "dask"):
            if f"import {library}" in example and importlib.util.find_spec(library) is None:
                break
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(example, names)  # noqa: S102 - our own README
    assert names["trace"].weights.shape == (3, 3)


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".github" / "CONTRIBUTING.md"], ids=lambda page: page.parent.name)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert links or page.parent.name == "sentences"
    for target in links:
        assert (page.parent / target).exists()


def test_the_first_page_is_short():
    assert len(README.splitlines()) <= 200


def test_on_a_package_index_nothing_points_into_a_checkout():
    """The text of the package's metadata: no picture and no link that would be broken there."""
    built = pytest.importorskip("hatch_fancy_pypi_readme._builder")
    from hatch_fancy_pypi_readme._config import load_and_validate_config

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    config = load_and_validate_config(settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"])
    with contextlib.chdir(ROOT):
        text = built.build_text(config.fragments, config.substitutions, attnexplain.__version__)
    assert text.startswith("# attnexplain")
    assert re.findall(r"\]\((?!https?:)", text) == []
    assert "![" not in text
    assert "`.github/CONTRIBUTING.md`" in text
    assert "guide (`attnexplain/README.md`)" in text


def test_the_contribution_notes_name_files_and_words_that_are_there():
    paths = re.findall(r"`((?:attnexplain|tests)/[\w/.]+)`", CONTRIBUTING)
    assert len(paths) > 10
    assert all((ROOT / path).exists() or "yours" in path for path in paths)
    assert set(re.findall(r"`just (\w+)", CONTRIBUTING)) <= set(re.findall(r"^(\w+)[^\n]*:$", JUSTFILE, re.MULTILINE))


def test_every_sentence_file_is_explained(monkeypatch):
    files = sorted((ROOT / "sentences").glob("*.txt"))
    count = 0
    for path in files:
        code, out, _ = call("--json", "--file", str(path))
        assert code == 0
        count += len(out.splitlines())
    assert count >= 13


def test_the_top_level_holds_nothing_else():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    tops = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {top for top in tops if not top.startswith(".")} <= {
        "LICENSE", "README.md", "attnexplain", "pyproject.toml", "sentences", "tests",
    }  # fmt: skip
    assert os.path.isdir(ROOT / "attnexplain")
