"""What newer models add to the four steps: each setting matters, and both ways of writing it are read."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from attnexplain import load_model
from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint import families
from attnexplain.models.checkpoint.layout import Parameters, Place, head_by_head, side_by_side

FOLDER = Path(__file__).parent / "data" / "checkpoints"
SENTENCE = "The animal didn't cross the street because it was too tired."


def copy(tmp_path, name, change):
    """Copy a checkpoint, and change its config.json."""
    folder = tmp_path / name
    shutil.copytree(FOLDER / name, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    return folder


def weights_of(folder):
    model = load_model(str(folder))
    return np.array([trace.weights for _, _, trace in model.every_head(model.tokenize(SENTENCE, (), 512))])


def distance(folder, name):
    """Return how far a weight lies from transformers' at the most."""
    with np.load(FOLDER / name / "reference.npz") as stored:
        expected = stored["weights_0"]
    return np.abs(weights_of(folder) - expected.reshape(-1, *expected.shape[2:])).max()


def rope(**keys):
    return lambda config: config["rope_parameters"].update(keys)


def rope_of(kind, **keys):
    return lambda config: config["rope_parameters"][kind].update(keys)


def keys(**changed):
    return lambda config: config.update(changed)


# Each of these is left out, or is what is easily got wrong instead
BY_CONFIG = {
    "another base": ("llama-3", rope(rope_theta=10_000.0)),
    "without llama3's scaling": ("llama-3", rope(rope_type="default")),
    "another length that it was made for": ("llama-3", rope(original_max_position_embeddings=64)),
    "without yarn": ("qwen2", rope(rope_type="default")),
    "yarn without its stretch": ("qwen2", rope(attention_factor=1.0)),
    "a window from the first layer on": ("qwen2", keys(max_window_layers=0, layer_types=None)),
    "a window one too wide": ("mistral", keys(sliding_window=5)),
    "a window one too narrow": ("mistral", keys(sliding_window=3)),
    "no window": ("mistral", keys(sliding_window=None)),
    "no cap": ("gemma2", keys(attn_logit_softcapping=None)),
    "the scale √d_k": ("gemma2", keys(query_pre_attn_scalar=8)),
    "windows in the other layers": (
        "gemma2", keys(layer_types=["full_attention", "sliding_attention"] * 2),
    ),
    "one base for all layers": ("gemma3", rope_of("sliding_attention", rope_theta=300.0)),
    "without linear scaling": ("gemma3", rope_of("full_attention", rope_type="default")),
    "a window to one side": ("gemma3-both-sides", keys(use_bidirectional_attention=False)),
    "all places rotated": ("gpt-neox", rope(partial_rotary_factor=1.0)),
    "both halves in turn": ("gpt-neox", keys(use_parallel_residual=False)),
    "longrope without its factors": ("phi3", rope(short_factor=[1.0, 1.0, 1.0])),
    "longrope without its stretch": ("phi3", rope(attention_factor=1.0)),
    "rotation in every layer": ("smollm3", keys(no_rope_layers=[1, 1, 1, 1])),
    "gelu": ("gemma", keys(hidden_act="relu")),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_CONFIG)
def test_a_setting_of_config_json_matters(case, tmp_path):
    name, change = BY_CONFIG[case]
    assert distance(copy(tmp_path, name, change), name) > 0.05


def with_sizes(**changed):
    """Read config.json as it is, and take another value for what it leads to."""
    return lambda family: replace(family, sizes=lambda config: replace(family.sizes(config), **changed))


def with_places(places):
    return lambda family: replace(family, places=places)


def in_order(letters):
    """Queries, keys and values side by side in another order."""

    def places(sizes):
        right = side_by_side(sizes)
        starts = {"q": right["q"].first}
        return {letter: Place("w_qkv", "b_qkv", starts.get(letter, right[other].first), sizes.d_k)
                for letter, other in zip("qkv", letters, strict=True)}  # fmt: skip

    return places


BY_CODE = {
    "gains without 1 +": ("gemma", with_sizes(norm="rms")),
    "embeddings without √hidden_size": ("gemma2", with_sizes(embedding_scale=1.0)),
    "a norm of each head, not of all": ("olmo2", with_sizes(norms_all_heads=False)),
    "a mean subtracted": ("llama-2", with_sizes(norm="layer")),
    "query, key, value side by side": ("gpt-neox", with_places(side_by_side)),
    "query, key, value head by head": ("gpt2", with_places(head_by_head)),
    "keys and values changed over": ("phi3", with_places(in_order("qvk"))),
    "no norm of queries": ("qwen3", with_sizes(absent=frozenset(("b_gate", "b_up", "b_out", "query_gain")))),
}


@pytest.mark.parametrize("case", BY_CODE)
def test_what_a_family_does_matters(case, monkeypatch):
    name, change = BY_CODE[case]
    kind = json.loads((FOLDER / name / "config.json").read_text())["model_type"]
    monkeypatch.setitem(families.FAMILIES, kind, change(families.FAMILIES[kind]))
    monkeypatch.setattr(Parameters, "_refuse_more", lambda self: None)  # what is left out is there
    if name == "olmo2":  # whose gains are those of all heads
        monkeypatch.setattr("attnexplain.models.checkpoint.run.Layer._norm", _norm_of_each_head)
    assert distance(FOLDER / name, name) > 0.05


def _norm_of_each_head(self, which, head=None):
    from attnexplain.variants import Norm

    gain = self.parameters(f"{which}_gain", self.number).reshape(-1, 1, self.parameters.sizes.d_k)
    return Norm(gain, self.parameters.sizes.epsilon)


def test_the_order_of_shared_keys_matters(monkeypatch):
    """Neighbours share a head of keys: with heads 0 and 2, 1 and 3 together the weights are others."""
    original = Parameters.project

    def project(self, layer, x):
        vectors = original(self, layer, x)
        return {letter: array if letter == "q" else array[::-1] for letter, array in vectors.items()}

    monkeypatch.setattr(Parameters, "project", project)
    assert distance(FOLDER / "llama-3", "llama-3") > 0.05


# transformers 4 writes config.json in another way


def older(config):
    """Write the rotation as transformers 4 does."""
    parameters = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype", "float32")
    if "full_attention" in parameters:
        far, near = parameters["full_attention"], parameters["sliding_attention"]
        config["rope_local_base_freq"] = near["rope_theta"]
        parameters = far
    theta, part = parameters.pop("rope_theta"), parameters.pop("partial_rotary_factor", None)
    if config["model_type"] == "gpt_neox":
        config |= {"rotary_emb_base": theta, "rotary_pct": part}
    else:
        config["rope_theta"] = theta
        if part is not None:
            config["partial_rotary_factor"] = part
    config["rope_scaling"] = None if parameters.get("rope_type") == "default" else parameters


def old_names_of_kinds(config):
    older(config)
    config["rope_scaling"]["type"] = config["rope_scaling"].pop("rope_type").replace("longrope", "su")


@pytest.mark.parametrize(
    "name",
    ["llama-2", "llama-3", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "gpt-neox", "olmo2"],
)
def test_config_json_of_transformers_4_gives_the_same_numbers(name, tmp_path):
    np.testing.assert_array_equal(weights_of(copy(tmp_path, name, older)), weights_of(FOLDER / name))


@pytest.mark.parametrize("name", ["llama-3", "phi3"])
def test_the_oldest_names_of_rotations_are_read(name, tmp_path):
    np.testing.assert_array_equal(weights_of(copy(tmp_path, name, old_names_of_kinds)), weights_of(FOLDER / name))


def test_layers_without_a_list_follow_the_pattern(tmp_path):
    """Gemma 3's sixth layer sees all; its small reference has four layers, so the pattern is given."""
    changed = copy(
        tmp_path, "gemma3", lambda config: config.pop("layer_types") and config.update(sliding_window_pattern=2)
    )
    np.testing.assert_array_equal(weights_of(changed), weights_of(FOLDER / "gemma3"))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("llama-2", keys(attention_multiplier=2.0), "attention_multiplier = '2.0' is not known for this kind of model"),
        ("llama-2", keys(sliding_window=4), "sliding_window = '4' is not known"),
        ("llama-2", rope(mrope_section=[1, 2]), "config.json, rope_parameters: mrope_section"),
        ("llama-2", keys(partial_rotary_factor=0.5), "partial_rotary_factor = '0.5' is not known"),
        ("bert", keys(attention_window=[4]), "attention_window = '[4]' is not known"),
        ("gemma3", keys(attn_logit_softcapping=5.0), "attn_logit_softcapping = '5.0' is not known"),
        ("mistral", keys(quantization_config={"bits": 4}), "quantization_config"),
        ("qwen2", keys(use_sliding_window=False), "use_sliding_window is not true"),
        ("gpt2", keys(model_type="bloom"), "a bias by distance is added to its scores (ALiBi)"),
        ("gpt2", keys(model_type="deberta-v2"), "disentangled attention"),
    ],
)
def test_what_changes_attention_and_is_not_known_is_refused_by_name(name, change, message, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        load_model(str(copy(tmp_path, name, change)))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["llama-2", "bert", "gpt2", "gemma3"])
def test_keys_that_change_no_number_are_passed_over(name, tmp_path):
    harmless = {"attention_dropout": 0.3, "pretraining_tp": 2, "use_cache": False, "_name_or_path": "x", "unsloth": 1}
    np.testing.assert_array_equal(weights_of(copy(tmp_path, name, keys(**harmless))), weights_of(FOLDER / name))
