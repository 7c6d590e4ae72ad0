"""Whatever comes: no traceback, no hang, no raw control character. What was once found is run again for ever."""

from pathlib import Path

import pytest
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = sorted((Path(__file__).parent / "fuzz" / "corpus").glob("*/*"))
SLOW = ("checkpoints", "archives")


@pytest.mark.parametrize("name", TARGETS)
def test_anything(name):
    if name == "checkpoints":
        pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
        pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")

    @settings(max_examples=60 if name in SLOW else 150, deadline=None)
    @given(st.binary(max_size=400))
    def run(data):
        TARGETS[name](data)

    run()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_once_found(path):
    TARGETS[path.parent.name](path.read_bytes())
