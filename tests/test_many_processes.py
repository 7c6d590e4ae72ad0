"""Explaining as a function that can be pickled, for engines of many processes."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import attnexplain.every_head as room
from attnexplain import AllHeads, explain_all
from attnexplain.errors import CommandError

SENTENCES = ("the cat sat", "the dog bites the man", "chanting brings love")


def travelled(thing):
    """What arrives in another process."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own


def test_it_is_explain_all_after_a_journey():
    found = travelled(travelled(AllHeads("tiny", heads=[2]))(SENTENCES[0]))
    expected = explain_all(SENTENCES[0], model="tiny", heads=[2])
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert (found.tokens, found.heads, found.model) == (expected.tokens, (2,), expected.model)


def test_a_process_opens_a_model_once(monkeypatch):
    opened = []
    original = room.load_model
    monkeypatch.setattr(room, "load_model", lambda source: opened.append(source) or original(source))
    room._opened.cache_clear()
    for sentence in SENTENCES:
        AllHeads("tiny")(sentence)
        travelled(AllHeads("tiny", heads="mean"))(sentence)
    assert opened == ["tiny"]


def test_other_processes_find_the_same():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(AllHeads("tiny"), SENTENCES))
    for sentence, one in zip(SENTENCES, found, strict=True):
        np.testing.assert_array_equal(one.weights, explain_all(sentence).weights)


def test_a_model_that_has_no_heads_is_told():
    with pytest.raises(CommandError, match="has one head"):
        AllHeads("untrained")("the cat sat")


def test_dask_runs_it_on_a_cluster_of_this_machine(tmp_path):
    """Outside of what the project installs: pip install 'dask[bag,distributed]'."""
    bag = pytest.importorskip("dask.bag", reason="Dask is not installed")
    distributed = pytest.importorskip("distributed", reason="Dask's local cluster is not installed")
    (tmp_path / "text.txt").write_text("\n".join(SENTENCES) + "\n")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster),
    ):
        texts = bag.read_text(str(tmp_path / "*.txt")).map(str.strip)
        found = texts.map(AllHeads("tiny")).map(lambda one: one.weights).compute()
    for sentence, weights in zip(SENTENCES, found, strict=True):
        np.testing.assert_array_equal(weights, explain_all(sentence).weights)
