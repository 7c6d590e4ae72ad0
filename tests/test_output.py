"""Files that are written: whole or not at all, never over another unasked; pictures in which nothing is live."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import COMMAND, SCHEMA, SGR, call
from rich.cells import cell_len
from test_colours import contrast

from attnexplain import explain

SENTENCE = "The river bank was flooded after the storm"
HOSTILE = [
    "<script>alert(1)</script> cat",
    "]]> <!-- cat --> <![CDATA[ &amp; &#0; dog",
    '" onload="alert(1)" x=\'y\' cat',
    "\x1b[2J\x1b]0;title\x07 cat \x00 dog \u202e tac",
    "javascript:alert(1) url(http://evil) @import cat",
    "\ufffe \uffff \U000e0001 cat \u0301\u0301\u0301\u0301\u0301\u0301 dog",
    "我喜欢 ❤️ 👩\u200d🚀 кошку हिन्दी cat",
]
FORMATS = ("svg", "html", "md", "txt", "json", "npz")
VOID = {"meta", "br", "img", "input", "hr", "link"}


class Checked(HTMLParser):
    """Collects the tags of a page, and sees that each is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def written(tmp_path, form, *arguments):
    path = tmp_path / f"lesson.{form}"
    code, out, err = call("--force", "--output", str(path), *arguments)
    assert (code, out) == (0, ""), err
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_written_and_nothing_on_the_screen(form, tmp_path):
    path = tmp_path / f"lesson.{form}"
    assert call("-o", str(path), SENTENCE) == (0, "", "")
    assert path.stat().st_size > 1000
    assert os.listdir(tmp_path) == [path.name]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def what_it_is(path):
    """Everything but when it was last read, which looking at a link may change."""
    found = path.lstat()
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("/nowhere"), os.mkfifo])
def test_what_exists_is_replaced_only_with_force(make, tmp_path):
    path = tmp_path / "lesson.txt"
    make(path)
    before = what_it_is(path)
    code, out, err = call("-o", str(path), SENTENCE)
    assert (code, out) == (2, "")
    assert "exists\n  hint: --force replaces it" in err
    assert what_it_is(path) == before
    assert call("--force", "-o", str(path), SENTENCE) == (0, "", "")
    assert path.is_file()
    assert not path.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-o", "lesson.pdf", "a b"], 2, "the ending says what to write, and .pdf is not known"),
        (["-o", "lesson", "a b"], 2, "the endings are: .svg .html .md .txt .json .npz"),
        (["-o", "a\0.svg", "a b"], 2, "not a file name"),
        (["-o", "/nowhere/at/all.svg", "a b"], 1, "cannot write /nowhere/at/all.svg: No such file"),
        (["--json", "-o", "x.svg", "a b"], 2, "--json and --output with another ending"),
        (["--force", "a b"], 2, "--force replaces the file of --output"),
        (["-o", "x.npz", "--compare", "a c", "a b"], 2, "--compare looks at one word, so .npz does not go with it"),
        (["-o", "x.json", "--explain", "mask"], 2, "--explain shows an article, so .json does not go with it"),
        (["-o", "x.svg", "--file", "FILE"], 2, ".svg holds one sentence, and there are several"),
        (["--theme", "blue", "-o", "x.svg", "a b"], 2, "--theme"),
    ],
)
def test_what_cannot_be_written_is_one_line(arguments, code, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.txt").write_text("a b\nc d\n")
    found, out, err = call(*["two.txt" if argument == "FILE" else argument for argument in arguments])
    assert (found, out) == (code, "")
    assert message in err
    assert os.listdir(tmp_path) == ["two.txt"]


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "lesson.html"
    path.write_text("old")

    def limit():
        resource = pytest.importorskip("resource")
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    command = [*COMMAND, "--force", "-o", str(path), SENTENCE]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("attnexplain: error: cannot write ")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_text_and_json_are_those_of_the_screen(tmp_path):
    assert written(tmp_path, "txt", SENTENCE).read_text() == call(SENTENCE)[1]
    assert written(tmp_path, "json", SENTENCE).read_text() == call("--json", SENTENCE)[1]
    (tmp_path / "in.txt").write_text("a cat\na dog\n")
    lines = written(tmp_path, "json", "--file", str(tmp_path / "in.txt")).read_text().splitlines()
    assert [json.loads(line)["sentence"] for line in lines] == ["a cat", "a dog"]


def test_the_arrays_load_without_pickle_and_are_those_of_the_trace(tmp_path):
    trace = explain(SENTENCE, causal=True)
    with np.load(written(tmp_path, "npz", "--causal", SENTENCE), allow_pickle=False) as stored:
        for name in ("embeddings", "queries", "keys", "values", "scores", "scaled_scores", "weights", "context"):
            np.testing.assert_array_equal(stored[name], getattr(trace, name))
        for name in ("w_q", "w_k", "w_v"):
            np.testing.assert_array_equal(stored[name], getattr(trace.head, name))
        assert tuple(stored["tokens"].tolist()) == trace.tokens
        assert str(stored["sentence"]) == SENTENCE
        assert float(stored["scale"]) == trace.scale


def test_the_schema_is_shown_and_valid():
    code, out, _ = call("--json-schema")
    assert code == 0
    assert json.loads(out) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


# Pictures


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("sentence", [SENTENCE, *HOSTILE])
def test_an_svg_is_xml_fetches_nothing_and_has_nothing_live(sentence, theme, tmp_path):
    arguments = ["--theme", theme, "--model", "untrained"]
    if "\0" in sentence or "\x1b" in sentence:
        arguments += ["--file", str(tmp_path / "in.txt")]
        (tmp_path / "in.txt").write_text(sentence, encoding="utf-8")
        sentence = None
    text = written(tmp_path, "svg", *arguments, *([sentence] if sentence else [])).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert names == {"svg", "title", "style", "rect", "text"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
        assert not [value for value in element.attrib.values() if "url" in value or "http" in value]
    style = root.find("{http://www.w3.org/2000/svg}style").text
    assert "url" not in style
    assert "@" not in style


def test_an_svg_says_what_the_terminal_says(tmp_path):
    root = ElementTree.parse(written(tmp_path, "svg", "--width", "100", SENTENCE)).getroot()
    words = [element.text for element in root.iter() if element.tag.endswith("}text")]
    said = SGR.sub("", call("--width", "100", "--color", "always", SENTENCE)[1])
    said, ways = re.split(r"\nHeads that see order", said.replace(" Digits: --full", ""))
    assert words == said.split()
    assert "To go on" in ways  # which a picture has no place for


def test_wide_characters_of_an_svg_are_not_squeezed(tmp_path):
    root = ElementTree.parse(written(tmp_path, "svg", "--step", "3", "我喜欢 cats ❤️")).getroot()
    wide = 0
    for element in root.iter():
        if element.tag.endswith("}text"):
            stretched = element.get("textLength")
            is_wide = cell_len(element.text) != len(element.text)
            wide += is_wide
            assert (stretched is None) == is_wide
            if stretched is not None:
                assert float(stretched) == 9 * len(element.text)
    assert wide > 10


@pytest.mark.parametrize("options", [(), ("--theme", "light"), ("--brief",), ("--step", "3")])
@pytest.mark.parametrize("sentence", [SENTENCE, *HOSTILE[:3], *HOSTILE[4:]])
def test_a_page_is_html_with_headings_and_tables_and_nothing_live(sentence, options, tmp_path):
    page = Checked(written(tmp_path, "html", "--model", "untrained", *options, sentence).read_text(encoding="utf-8"))
    assert not {"script", "iframe", "img", "link", "object", "form", "a", "base"} & set(page.tags)
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("href", "src", "srcdoc")
        assert "url(" not in value or name in ("title", "aria-label")
    assert page.tags.count("h1") == 1
    assert page.tags.count("h2") == (1 if "--step" in options else 4)
    assert not re.search(r"--(step|full|json|head|model)\b", " ".join(page.text))
    scopes = {value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")}
    assert scopes == {"row", "col"}
    assert page.tags.count("caption") >= page.tags.count("table") - 1  # the bars of the answer need none


def test_a_cell_says_its_query_key_and_number(tmp_path):
    trace = explain(SENTENCE)
    page = Checked(written(tmp_path, "html", "--step", "3", SENTENCE).read_text(encoding="utf-8"))
    says = {value for tag, name, value in page.attributes if (tag, name) == ("td", "title")}
    i, j = 1, 4
    assert f"query river, key flooded: {trace.weights[i, j]:.2f}" in says
    stops = [tag for tag, name, _ in page.attributes if name == "tabindex"]
    assert stops == ["div"] * page.tags.count("caption")  # one stop of the Tab key a table


@pytest.mark.parametrize(
    "arguments",
    [["--compare", "She robbed the bank", SENTENCE], ["--explain", "softmax"], [" ".join(map(str, range(40)))]],
)
def test_every_kind_of_lesson_becomes_a_page_and_a_picture(arguments, tmp_path):
    Checked(written(tmp_path, "html", *arguments).read_text(encoding="utf-8"))
    ElementTree.parse(written(tmp_path, "svg", *arguments))


def test_text_on_every_cell_is_readable(tmp_path):
    """A contrast of 4.5 : 1 by WCAG 2, for the cells and for the papers' own colours."""
    from attnexplain.render.themes import THEMES

    def of_hex(colour):
        return tuple(bytes.fromhex(colour[1:]))

    html = written(tmp_path, "html", SENTENCE).read_text()
    both = r"(?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}))"
    shades = re.findall(rf"--ground: {both}; --on: {both};", html)
    pairs = {(shade[0] or shade[2], shade[3] or shade[5]) for shade in shades}
    pairs |= {(shade[1] or shade[2], shade[4] or shade[5]) for shade in shades}
    assert len(pairs) > 40
    for theme in THEMES.values():
        pairs |= {(theme.paper, colour) for colour in (theme.text, theme.quiet, theme.heading, theme.formula)}
    assert min(contrast(*map(of_hex, pair)) for pair in pairs) >= 4.5


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("form", ["html", "svg"])
def test_a_browser_opens_them(form, width, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no Chromium here: apt install chromium")
    path, picture = written(tmp_path, form, "--step", "3", SENTENCE), tmp_path / "screen.png"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", f"--screenshot={picture}"]
    subprocess.run([*command, path.as_uri()], capture_output=True, timeout=120, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
