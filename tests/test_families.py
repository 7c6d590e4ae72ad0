"""What newer models add to the four steps: each setting matters, and both ways of writing it are read."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from command import SCHEMA, call
from screens import draw
from test_closure import check_equations

from attnexplain import explain, load_model
from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint import families
from attnexplain.models.checkpoint.config import Config
from attnexplain.models.checkpoint.layout import Parameters, Place, head_by_head, side_by_side
from attnexplain.models.checkpoint.rope import read_rotation
from attnexplain.steps import lesson

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
    "another activation": ("gemma", keys(hidden_act="relu")),
    "a local layer two wider": ("modernbert", keys(local_attention=8)),
    "a local layer two narrower": ("modernbert", keys(local_attention=4)),
    "one base for global and local": ("modernbert", rope_of("sliding_attention", rope_theta=300.0)),
    "global layers elsewhere": ("modernbert", keys(layer_types=["sliding_attention", "full_attention"] * 2)),
    "local layers elsewhere": ("gpt-neo", keys(attention_layers=["local", "global"] * 2)),
    "a local window one wider": ("gpt-neo", keys(window_size=5)),
    "no sliding layers": ("gpt-oss", keys(layer_types=["full_attention"] * 4)),
    "one expert": ("gpt-oss", keys(num_experts_per_tok=1)),
    "gates without bounds": ("gpt-oss", keys(swiglu_limit=7.0)),
    "gates of another slope": ("gpt-oss", keys(swiglu_alpha=1.0)),
    "yarn without its stretch in gpt-oss": ("gpt-oss", rope(attention_factor=1.0)),
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
    "scores divided": ("gpt-neo", with_sizes(scale=None)),
    "no bias by distance": ("mpnet", with_sizes(unused=frozenset(("distance_bias",)))),
    "no sinks": ("gpt-oss", with_sizes(unused=frozenset(("sinks",)))),
    "one group for all": ("albert", with_sizes(stored_as=("0.albert_layers.0",) * 8)),
    "groups in another order": (
        "albert",
        with_sizes(stored_as=tuple(f"{g}.albert_layers.{i}" for g in "0101" for i in "01")),
    ),
    "no task": ("ernie", with_sizes(unused=frozenset(("tasks",)))),
    "halves as partners": ("roformer", lambda family: replace(family, sizes=_with_halves(family.sizes))),
    "no norm of queries": ("qwen3", with_sizes(absent=frozenset(("b_gate", "b_up", "b_out", "query_gain")))),
}


def _with_halves(sizes):
    def read(config):
        right = sizes(config)
        halves = tuple(replace(rotation, is_interleaved=False) for rotation in right.rotations)
        return replace(right, rotations=halves)

    return read


@pytest.mark.parametrize("case", BY_CODE)
def test_what_a_family_does_matters(case, monkeypatch):
    name, change = BY_CODE[case]
    kind = json.loads((FOLDER / name / "config.json").read_text())["model_type"]
    changed = change(families.family(kind))
    monkeypatch.setattr(families, "family", lambda asked: {kind: changed}[asked])
    monkeypatch.setattr(Parameters, "_refuse_more", lambda self: None)  # what is left out is there
    if name == "olmo2":  # whose gains are those of all heads
        monkeypatch.setattr("attnexplain.models.checkpoint.run.Layer._norm", _norm_of_each_head)
    assert distance(FOLDER / name, name) > 0.05


def _norm_of_each_head(self, which, head=None):
    from attnexplain.variants import Norm

    gain = self.parameters(f"{which}_gain", self.number).reshape(-1, 1, self.parameters.sizes.d_k)
    return Norm(gain, self.parameters.sizes.epsilon)


def test_the_first_position_of_opt_matters(monkeypatch):
    monkeypatch.setattr("attnexplain.models.checkpoint.opt.OFFSET", 0)
    assert distance(FOLDER / "opt", "opt") > 0.05


def test_buckets_of_distances_matter(monkeypatch):
    """Each distance a bucket of its own is right for the first eight only."""
    monkeypatch.setattr(
        "attnexplain.models.checkpoint.run.distance_buckets",
        lambda count: np.abs(np.arange(count) - np.arange(count)[:, None]),
    )
    assert distance(FOLDER / "mpnet", "mpnet") > 0.05


def test_the_order_of_shared_keys_matters(monkeypatch):
    """Neighbours share a head of keys, the first of them the first."""
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


# The lesson


SMALL = "The cat sat"
NEWER = [
    *(path.name for path in sorted(FOLDER.iterdir()) if "rope_parameters" in (path / "config.json").read_text()),
    "mpnet", "roformer", "gpt-neo", "opt",
]  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--digits", "1"], ["--digits", "4"], ["--full"]])
@pytest.mark.parametrize("name", NEWER)
def test_the_equations_of_a_newer_model_are_true_as_printed(name, options):
    for layer in (0, 2):
        for query in ("1", "3"):
            screen = draw(["--model", str(FOLDER / name), "--layer", str(layer), "--head", "1", "--width", "100",
                           "--query", query, *options, SMALL])  # fmt: skip
            assert check_equations(screen, 2) >= 3


def test_the_rotated_pair_by_hand_ends_at_the_table():
    screen = draw(["--model", str(FOLDER / "qwen3"), "--step", "1", "--query", "4", "--digits", "4", SMALL])
    pair = [float(number) for number in re.findall(r"rotated q.*\n.*\n.*\n  [=≈] (-?[\d.]+)", screen)]
    trace = explain(SMALL, model=str(FOLDER / "qwen3"))
    np.testing.assert_allclose(pair, trace.queries[3, [0, 4]], atol=2e-3)


def test_the_lesson_says_that_the_score_depends_on_the_distance():
    trace = explain(SMALL, model=str(FOLDER / "llama-3"), layer=1, head=2)
    table = next(block for block in lesson(trace, query="4", key="2").steps[1].blocks if block.id == "distances")
    here, later, farther = (float(row[-1].value) for row in table.rows)
    assert here == later == pytest.approx(trace.scores[3, 1], abs=0.01)
    assert abs(farther - here) > 0.01


def test_the_lesson_names_the_heads_that_share_one():
    text = " ".join(draw(["--model", str(FOLDER / "llama-3"), "--head", "2", "--step", "1", SMALL]).split())
    assert "4 heads of queries share 2 heads of keys and values (grouped-query attention). This head, 2," in text
    assert "reads the keys and values 1, counted from 0, as does head 3." in text
    for head in range(4):
        model = load_model(str(FOLDER / "llama-3"), head=head)
        shared = load_model(str(FOLDER / "llama-3"), head=head ^ 1)
        np.testing.assert_array_equal(model.head.w_k, shared.head.w_k)
        assert model.info.kv_head == head // 2


def test_a_window_says_what_it_hides():
    options = ["--model", str(FOLDER / "mistral"), "--step", "3", "--query", "9", "--key", "2", SENTENCE]
    text = " ".join(draw(options).split())
    assert "comes later or is more than 3 positions away (this layer has a window) is masked" in text
    assert "is 7 positions away, and this layer sees no farther than 3, so its share is 0" in text


def test_a_cap_stands_in_its_own_line():
    text = draw(["--model", str(FOLDER / "gemma2"), "--step", "3", "--query", "3", SMALL])
    assert re.search(r"^capped\(.* = 1\.50 × tanh\(-?[\d.]+ / 1\.50\) ≈ -?[\d.]+$", text, re.MULTILINE)
    assert "W = softmax(capped(S / 1.73))" in text


def test_the_diagram_stands_at_the_head_of_the_lesson_and_has_what_is_added():
    def diagram(name, **options):
        step = lesson(explain(SMALL, model=str(FOLDER / name), **options)).steps[0]
        assert step.number == 0
        return {stage.text for row in step.blocks[0].rows for stage in row.stages if stage.is_added}

    assert diagram("qwen3") == {"norm", "rotation", "shared by 2 heads"}
    assert diagram("olmo2") == {"norm over all heads", "rotation", "shared by 2 heads"}
    assert diagram("gemma2") == {"rotation", "shared by 2 heads", "/ 1.73", "soft cap at 1.50", "window: 3 back"}
    assert diagram("gpt-neox") == {"rotation"}
    assert diagram("smollm3", layer=1) == {"shared by 2 heads", "window: 3 back"}
    assert "window: 2 to each side" in diagram("gemma3-both-sides")
    assert lesson(explain(SMALL, model=str(FOLDER / "bert"))).steps[0].number == 1


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize("name", NEWER)
def test_a_stored_run_of_a_newer_model_is_drawn_again(name, form, tmp_path):
    arguments = ["--model", str(FOLDER / name), "--layer", "2", "--head", "1"]
    path = tmp_path / f"run.{form}"
    assert call(*arguments, "-o", str(path), SMALL) == (0, "", "")
    code, again, err = call("--model", str(path), "--step", "1-4", "--query", "3", "--key", "1")
    assert (code, err) == (0, "")
    sign = "▁" if "▁" in again else "Ġ"
    first = draw([*arguments, "--step", "1-4", "--query", "3", "--key", "1", SMALL])
    for line in re.findall(r"^(?:place \d|(?:score|scaled|capped|share)\().*(?:\n  .*)*", first, re.MULTILINE):
        assert line.replace("␣", sign) in again  # a stored run has the tokens themselves
    one = json.loads(call("--json", *arguments, SMALL)[1])
    other = json.loads(call("--json", "--model", str(path))[1])
    jsonschema.validate(one, SCHEMA)
    jsonschema.validate(other, SCHEMA)
    assert ("projected_queries" in one) == ("rotated" in one["settings"] or "query_norm" in one["settings"])
    for key in ("projected_queries", "projected_keys", "queries", "keys", "weights", "bias"):
        assert (key in one) == (key in other)
        np.testing.assert_allclose(one.get(key, 0), other.get(key, 0), atol=1e-9)
    assert one["settings"].keys() == other["settings"].keys()
    for key in ("window", "softcap", "sink_score", "rotated"):
        assert one["settings"].get(key) == other["settings"].get(key)
    for key in ("query_norm", "key_norm"):
        for part in one["settings"].get(key, {}):
            np.testing.assert_array_equal(one["settings"][key][part] == other["settings"][key][part], True)
    assert {key: one["model"][key] for key in ("layers", "heads", "kv_heads", "kv_head")}.items() <= other[
        "model"
    ].items()


def test_an_edited_rotation_is_noticed(tmp_path):
    path = tmp_path / "run.json"
    call("--model", str(FOLDER / "llama-3"), "-o", str(path), SMALL)
    content = json.loads(path.read_text())
    content["settings"]["rotated"]["frequencies"][0] = 0.5
    path.write_text(json.dumps(content))
    code, out, err = call("--model", str(path))
    assert (code, out) == (3, "")
    assert "is not what comes out when it is computed from embeddings and w_q" in err


# What published configurations have


def written_as(name):
    """Write config.json as it is published, as far as its keys are concerned."""
    return {
        "phi3": {
            "auto_map": {"AutoConfig": "configuration_phi3.Phi3Config"}, "full_attn_mod": 1, "lm_head_bias": False,
            "embd_pdrop": 0.0, "resid_pdrop": 0.0, "interpolate_factor": 1,
        },
        "smollm3": {"max_window_layers": 28, "pretraining_tp": 2},
        "gemma2": {"sliding_window_size": 4096, "hidden_act": "gelu_pytorch_tanh", "cache_implementation": "hybrid"},
        "gemma3": {"attn_logit_softcapping": None, "use_bidirectional_attention": False},
        "llama-3": {"is_causal": True, "partial_rotary_factor": 1.0, "pretraining_tp": 1, "rope_interleaved": False},
        "qwen2": {"use_mrope": False},
        "gpt-neox": {"hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0, "classifier_dropout": 0.1},
        "bert": {
            "pooler_num_attention_heads": 12, "pooler_size_per_head": 128, "pruned_heads": {}, "directionality": "bidi",
            "cross_attention_hidden_size": None, "add_cross_attention": False,
        },
        "gpt2": {"n_ctx": 1024, "attn_pdrop": 0.1, "summary_proj_to_labels": True, "reorder_and_upcast_attn": False},
        "modernbert": {
            "position_embedding_type": "absolute", "layer_norm_eps": 1e-5, "sparse_prediction": False,
            "sparse_pred_ignore_index": -100, "decoder_bias": True, "deterministic_flash_attn": False,
            "repad_logits_with_grad": False, "classifier_bias": False,
        },
        "albert": {"net_structure_type": 0, "num_memory_blocks": 0, "gap_size": 0, "down_scale_factor": 1},
        "gpt-neo": {"attention_layers": ["global", "local"] * 2, "summary_type": "cls_index"},
        "opt": {"_remove_final_layer_norm": False, "layerdrop": 0.0, "activation_dropout": 0.0, "prefix": "</s>"},
        "gpt-oss": {"initial_context_length": 4096, "experts_per_token": 4, "router_aux_loss_coef": 0.9},
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["phi3", "smollm3", "gemma2", "gemma3", "llama-3", "qwen2", "gpt-neox", "bert", "gpt2", "modernbert", "albert",
     "gpt-neo", "opt", "gpt-oss"],
)  # fmt: skip
def test_keys_of_published_models_are_no_reason_to_refuse(name, tmp_path):
    changed = copy(tmp_path, name, keys(**written_as(name)))
    np.testing.assert_array_equal(weights_of(changed), weights_of(FOLDER / name))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("llama-2", keys(is_causal=False), "is_causal = false is not supported for this kind of model"),
        ("bert", keys(is_causal=True), "is_causal = true is not supported for this kind of model"),
        ("bert", keys(pruned_heads={"0": [1]}), "pruned_heads = "),
        ("llama-2", keys(per_layer_config={"0": {}}), "per_layer_config = "),
        ("phi3", keys(full_attn_mod=2), "full_attn_mod is not supported but for 1"),
        ("gemma3", rope_of("full_attention", truncate=False), "truncate = false has no effect in transformers"),
    ],
)
def test_what_transformers_would_obey_or_pass_over_is_refused(name, change, message, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        load_model(str(copy(tmp_path, name, change)))
    assert message in str(caught.value)


LONG = {"rope_type": "longrope", "short_factor": [1.0] * 5, "long_factor": [2.0] * 5, "factor": 4.0, "rope_theta": 50.0}


@pytest.mark.parametrize("kind", ["longrope", "dynamic"])
def test_a_text_longer_than_a_rotation_was_made_for_is_refused(kind, tmp_path):
    """Longer ones are rotated otherwise; whichever family it is, and wherever the length stands."""
    scaling = (
        LONG | {"original_max_position_embeddings": 20} if kind == "longrope" else {"rope_type": kind, "factor": 2.0}
    )
    change = keys(rope_parameters=scaling, max_position_embeddings=80 if kind == "longrope" else 20)
    code, out, err = call("--model", str(copy(tmp_path, "llama-3", change)), "the " * 30)
    assert (code, out) == (3, "")
    assert "and this model has 20 positions" in err


def test_windows_of_smollm_follow_its_kinds_of_layers(tmp_path):
    """transformers masks by layer_types alone."""
    kinds = ["full_attention", "sliding_attention"] * 2
    told = copy(tmp_path, "smollm3", keys(layer_types=kinds, use_sliding_window=False))
    np.testing.assert_array_equal(weights_of(told), weights_of(FOLDER / "smollm3"))


def test_a_stored_run_of_wide_embeddings_still_shows_the_rotation(tmp_path):
    """JSON leaves large parameter matrices out; the projected queries are there."""
    path = tmp_path / "run.json"
    call("--model", str(FOLDER / "qwen3"), "-o", str(path), SMALL)
    content = json.loads(path.read_text())
    del content["parameters"], content["embeddings"]
    path.write_text(json.dumps(content))
    code, out, err = call("--model", str(path), "--step", "1")
    assert (code, err) == (0, "")
    assert "place 1 of rotated q(" in out
    content["queries"][0][0] += 1
    path.write_text(json.dumps(content))
    error = call("--model", str(path))[2]
    assert "is not what comes out when it is computed from projected_queries and the settings" in error


def test_the_overview_says_which_layers_have_windows():
    folder = str(FOLDER / "modernbert")
    text = " ".join(call("--model", folder, "--overview", SENTENCE)[1].split())
    assert "w: a window; in layers 1 and 3 a token sees at most 3 positions away." in text
    written = json.loads(call("--model", folder, "--overview", "--json", SENTENCE)[1])
    jsonschema.validate(written, SCHEMA)
    assert written["settings"]["windows"] == [None, 4, None, 4]
    text = call("--model", str(FOLDER / "llama-2"), "--overview", SENTENCE)[1]
    assert "window" not in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda settings: settings["query_norm"].update(over="banana"), 'over: "head" or "all heads" is wanted'),
        (lambda settings: settings["query_norm"]["roots"].__setitem__(0, 1e200), "one number above 0 for each token"),
        (lambda settings: settings["query_norm"]["gain"].pop(), "a gain has 7 numbers, and a query has 8"),
        (lambda settings: settings["rotated"].update(places=99), "there are 4 frequencies, one for each pair"),
        (lambda settings: settings["rotated"].update(base=-1), "base must be a number between 0"),
        (lambda settings: settings["rotated"].update(base=False), "true or false is not a number"),
        (lambda settings: settings["rotated"].update(scaling="x" * 300_000), "scaling: one of linear, llama3"),
        (lambda settings: settings["rotated"].update(interleaved=1), "interleaved must be true or false"),
        (lambda settings: settings.update(sink_score=1e300), "sink_score must be a number between"),
        (lambda settings: settings.update(softcap=0), "softcap must be a number between 0"),
        (lambda settings: settings.update(window=0), "window must be a whole number of at least 1"),
        (lambda settings: settings.update(rotated=[1]), "rotated is not what a stored run has"),
    ],
)
def test_settings_of_a_stored_run_that_cannot_be_are_one_line(change, message, tmp_path):
    path = tmp_path / "run.json"
    call("--model", str(FOLDER / "qwen3"), "-o", str(path), SMALL)
    content = json.loads(path.read_text())
    change(content["settings"])
    path.write_text(json.dumps(content))
    code, out, err = call("--model", str(path))
    assert (code, out) == (3, "")
    assert message in err


def test_a_tiny_cap_is_printed_with_digits_enough(tmp_path):
    folder = copy(tmp_path, "gemma2", keys(attn_logit_softcapping=0.001))
    screen = draw(["--model", str(folder), "--step", "3", "--query", "3", SMALL])
    assert "0.001 × tanh(" in screen


@pytest.mark.parametrize("name", ["llama-2", "llama-3", "qwen2", "gpt-neox", "distilbert", "gpt2-unscaled", "gpt-oss"])
def test_tensors_read_in_many_blocks_give_the_same_numbers(name, monkeypatch):
    """Half precision is turned into float32 a block at a time; the small references fit into one."""
    whole = weights_of(FOLDER / name)
    monkeypatch.setattr("attnexplain.models.checkpoint.tensors.BLOCK", 50)
    np.testing.assert_allclose(weights_of(FOLDER / name), whole, atol=1e-5)


def test_a_sheet_refuses_what_it_has_no_place_for(tmp_path):
    path = tmp_path / "run.json"
    call("--model", str(FOLDER / "mpnet"), "-o", str(path), "a cat")
    code, out, err = call("--worksheet", "--model", str(path))
    assert (code, out) == (3, "")
    assert "bias" in err or "has more than the four steps" in err, err


# What config.json need not say

LEAST = {
    "vocab_size": 8, "hidden_size": 512, "intermediate_size": 8, "num_hidden_layers": 8, "num_attention_heads": 4,
    "ffn_dim": 8, "n_embd": 512, "num_layers": 4, "attention_types": [[["global", "local"], 2]],
}  # fmt: skip
# By model_type: the sizes that transformers 5.24 has where config.json does not say
DEFAULTS = {
    "llama": {"kv_heads": 4, "d_k": 128, "epsilon": 1e-6, "activation": "silu"},
    "mistral": {"kv_heads": 4, "d_k": 128, "epsilon": 1e-6, "windows": (4096,) * 8},
    "qwen2": {"kv_heads": 4, "d_k": 128, "epsilon": 1e-6, "windows": (None,) * 8},
    "qwen3": {"d_k": 128, "epsilon": 1e-6, "windows": (None,) * 8},
    "gemma": {"d_k": 256, "activation": "gelu_pytorch_tanh", "epsilon": 1e-6},
    "gemma2": {"d_k": 256, "kv_heads": 4, "scale": 16.0, "softcap": 50.0, "windows": (4096, None) * 4},
    "gemma3_text": {"d_k": 256, "kv_heads": 4, "scale": 16.0, "windows": (*(4096,) * 5, None, 4096, 4096)},
    "phi3": {"epsilon": 1e-5, "windows": (None,) * 8},
    "gpt_neox": {"epsilon": 1e-5, "activation": "gelu", "is_parallel": True},
    "olmo2": {"epsilon": 1e-5, "kv_heads": 4},
    "smollm3": {"epsilon": 1e-6, "windows": (None,) * 8},
    "gpt_oss": {"d_k": 64, "epsilon": 1e-5, "windows": (128, None) * 4, "answering_experts": 4, "gate_limit": 7.0},
    "modernbert": {"epsilon": 1e-5, "activation": "gelu", "windows": (None, 65, 65, None, 65, 65, None, 65)},
    "opt": {"positions": 2048, "activation": "relu"},
    "gpt_neo": {"positions": 2048, "scale": 1.0, "windows": (None, 256) * 2, "activation": "gelu_new"},
    "albert": {"activation": "gelu_new", "epsilon": 1e-12},
    "electra": {"activation": "gelu", "epsilon": 1e-12},
    "mpnet": {"positions": 510, "padding": 1},
    "roberta-prelayernorm": {"epsilon": 1e-12, "positions": 510},
    "xlm-roberta-xl": {"epsilon": 1e-5, "positions": 510},
}  # fmt: skip
ENCODERS = ("albert", "electra", "mpnet", "roberta-prelayernorm", "xlm-roberta-xl")
TYPES = {"roberta-prelayernorm": 2, "xlm-roberta-xl": 1, "electra": 2, "mpnet": 2, "albert": 2}
BASES = {
    "llama": (10_000,) * 8, "smollm3": (2_000_000, 2_000_000, 2_000_000, None) * 2, "gpt_oss": (150_000,) * 8,
    "gemma3_text": (*(10_000,) * 5, 1_000_000, 10_000, 10_000),
    "modernbert": (160_000, 10_000, 10_000, 160_000, 10_000, 10_000, 160_000, 10_000), "gpt_neox": (10_000,) * 8,
}  # fmt: skip


@pytest.mark.parametrize("kind", DEFAULTS)
def test_what_config_json_does_not_say_is_as_in_transformers(kind):
    config = LEAST | ({"num_key_value_heads": 4} if kind in ("qwen3", "gpt_oss") else {})
    config |= {"max_position_embeddings": 512} if kind in ENCODERS else {}
    if kind == "gemma":
        config["num_attention_heads"] = 16  # as many as of keys and values, where it does not say
    if kind in ("opt", "gpt_neo"):
        config["num_heads"] = 4
    sizes = families.family(kind).sizes(Config(config))
    for name, expected in DEFAULTS[kind].items():
        assert getattr(sizes, name) == expected, name
    if kind in BASES:
        assert tuple(rotation and rotation.base for rotation in sizes.rotations) == BASES[kind]
    if kind in TYPES:
        assert sizes.named["type_vocab_size"] == TYPES[kind]
    if kind == "gpt_neox":
        assert sizes.rotations[0].places == 32  # a quarter of 128
    if kind == "gpt_oss":
        assert sizes.rotations[0].scaling == "yarn"
        assert sizes.rotations[0].stretch == pytest.approx(1.3465735902799727)


def test_stored_runs_know_the_scalings_that_there_are():
    from attnexplain.models.checkpoint.rope import SCALINGS, UNSCALED
    from attnexplain.models.stored_variant import KINDS_OF_SCALING

    assert set(KINDS_OF_SCALING) - {""} == set(SCALINGS) - set(UNSCALED)


# what two keys or names say of one thing


@pytest.mark.parametrize("name", ["mpnet", "albert"])
def test_is_decoder_changes_nothing_where_it_does_not_in_transformers(name, tmp_path):
    changed = copy(tmp_path, name, keys(is_decoder=True))
    np.testing.assert_array_equal(weights_of(changed), weights_of(FOLDER / name))


def test_gpt_neo_goes_by_the_list_of_its_layers(tmp_path):
    of_types = copy(tmp_path / "types", "gpt-neo", keys(attention_types=[[["local"], 4]]))
    np.testing.assert_array_equal(weights_of(of_types), weights_of(FOLDER / "gpt-neo"))
    assert distance(copy(tmp_path / "layers", "gpt-neo", keys(attention_layers=["local"] * 4)), "gpt-neo") > 0.05
    without = copy(tmp_path / "without", "gpt-neo", lambda config: config.pop("attention_layers"))
    np.testing.assert_array_equal(weights_of(without), weights_of(FOLDER / "gpt-neo"))


def rename_tensors(folder, old, new):
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = raw[8 : 8 + length].replace(old, new)
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + length :])


@pytest.mark.parametrize("name", ["bert", "mpnet", "roberta-prelayernorm"])
def test_gamma_and_beta_are_what_the_first_files_called_gain_and_shift(name, tmp_path):
    folder = copy(tmp_path, name, keys())
    rename_tensors(folder, b"LayerNorm.weight", b"LayerNorm.gamma")
    rename_tensors(folder, b"LayerNorm.bias", b"LayerNorm.beta")
    np.testing.assert_array_equal(weights_of(folder), weights_of(FOLDER / name))


def test_ernie_does_without_the_tasks_that_it_has_no_use_for(tmp_path):
    assert distance(copy(tmp_path, "ernie", keys(use_task_id=False)), "ernie") > 0.01


def test_roformer_computes_the_angles_that_its_file_does_not_have(tmp_path):
    folder = copy(tmp_path, "roformer", keys())
    rename_tensors(folder, b"encoder.embed_positions.weight", b"of_something_else")
    np.testing.assert_array_equal(weights_of(folder), weights_of(FOLDER / "roformer"))


@pytest.mark.parametrize("name", ["ElectraTokenizer", "ElectraTokenizerFast"])
def test_electra_may_call_its_tokenizer_so(name, tmp_path):
    folder = copy(tmp_path, "electra", keys())
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
    same = load_model(str(FOLDER / "electra")).tokenize(SENTENCE, (), 512)
    assert load_model(str(folder)).tokenize(SENTENCE, (), 512).ids == same.ids


ROTATIONS = json.loads((FOLDER.parent / "rotations.json").read_text())


@pytest.mark.parametrize("number", range(len(ROTATIONS)))
def test_rotations_turn_as_fast_as_those_of_transformers(number):
    config, d_k, frequencies, stretch = ROTATIONS[number]
    rotation = read_rotation(Config(config), d_k)
    np.testing.assert_allclose(rotation.frequencies, frequencies, rtol=2e-6)
    assert rotation.stretch == pytest.approx(stretch)


@pytest.mark.parametrize(("keys", "layers"), json.loads((FOLDER.parent / "rotations_of_layers.json").read_text()))
def test_each_layer_turns_as_in_transformers_whichever_keys_say_so(keys, layers):
    config = Config(keys)
    sizes = families.family_of(config).sizes(config)
    config.refuse_unread(frozenset(("num_key_value_heads", "head_dim")))
    assert len(layers) == sizes.layers
    for layer, (frequencies, stretch) in enumerate(layers):
        np.testing.assert_allclose(sizes.rotation_of(layer).frequencies, frequencies, rtol=2e-6)
        assert sizes.rotation_of(layer).stretch == pytest.approx(stretch)


def test_a_divisor_of_the_model_s_own_is_written_and_told_from_the_usual_one():
    """In config.json query_pre_attn_scalar is 5, and d_k is 8."""
    out = " ".join(call("--model", str(FOLDER / "gemma3"), "--step", "3", "The cat sat")[1].split())
    assert (
        "Divide every score by 2.24: this model has √5 (query_pre_attn_scalar = 5) in place of √d_k = √8 ≈ 2.83" in out
    )


@pytest.mark.parametrize(("query", "key"), [("4", "2"), ("3", "3"), ("1", "4")])
def test_the_same_two_vectors_stand_elsewhere_and_one_place_farther_apart(query, key):
    arguments = "--model", str(FOLDER / "gemma3-both-sides"), "--step", "1", "--query", query, "--key", key
    out = call(*arguments, "The cat sat on the mat")[1]
    found = re.findall(r"^(?:where they|both \d|one position).*?(\d+) +(\d+) +(\d+) +-?[\d.]+$", out, re.MULTILINE)
    (i, j, near), (later_i, later_j, same), (one, other, far) = [tuple(map(int, row)) for row in found]
    assert (near, later_i - i, later_j - j, same) == (abs(i - j), later_i - i, later_i - i, near)
    assert far == abs(one - other) == near + 1
