"""What a model predicts: against transformers, and what is refused."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call, run

from attnexplain import explain
from attnexplain.errors import CommandError, DataError

DATA = Path(__file__).parent / "data"
CHECKPOINTS = DATA / "checkpoints"
with np.load(DATA / "next.npz") as file:
    REFERENCES = {name: file[name] for name in file.files}
PREDICTING = sorted({name.rsplit("/", 1)[0] for name in REFERENCES})
SENTENCES = ("The animal didn't cross the street", "She put {mask} money at the {mask}")


def run_ok(*arguments):
    code, out, err = call(*arguments)
    assert code == 0, err
    return out


def sentence_of(case):
    name, number = case.split("/")
    special = (CHECKPOINTS / name / "tokenizer.json").read_text(encoding="utf-8")
    return SENTENCES[int(number)].format(mask="[MASK]" if '"[MASK]"' in special else "<mask>")


@pytest.mark.parametrize("case", PREDICTING)
def test_what_it_predicts_is_what_transformers_computes(case):
    expected, places = REFERENCES[f"{case}/probabilities"], REFERENCES[f"{case}/places"].tolist()
    found = explain(sentence_of(case), model=CHECKPOINTS / case.split("/")[0], next_tokens=100)
    assert found.found.ids == tuple(REFERENCES[f"{case}/ids"])
    assert found.predicted.positions == tuple(places)
    assert found.predicted.behind.vocabulary == expected.shape[1]
    for place, shares in zip(places, expected, strict=True):
        tokens = [token for token in found.predicted.tokens if token.position == place]
        assert len(tokens) == 100
        probabilities = np.array([token.probability for token in tokens])
        np.testing.assert_allclose(probabilities, shares[[token.id for token in tokens]], rtol=2e-4, atol=1e-7)
        np.testing.assert_allclose(probabilities, np.sort(shares)[::-1][:100], rtol=2e-4, atol=1e-7)


def test_references_are_of_every_kind():
    names = {case.split("/")[0] for case in PREDICTING}
    assert {"bert-masked", "bert-untied", "gemma3-capped", "opt-narrow", "gpt-neox-untied", "phi3-untied"} <= names
    assert {"gemma2", "gpt2", "mpnet", "albert", "distilbert", "modernbert-plain-end", "electra-generator"} <= names
    assert len(names) >= 29


@pytest.mark.parametrize("name", ["bert", "electra", "roberta-prelayernorm", "llama-3", "gpt-neox", "qwen3"])
def test_a_checkpoint_of_the_layers_alone_predicts_nothing(name):
    with pytest.raises(DataError, match=r"predicts no words: the tensor .* is missing") as caught:
        explain("a [MASK] b", model=CHECKPOINTS / name, next_tokens=3)
    assert "ForCausalLM" in caught.value.hint


def test_a_masked_model_needs_a_mask():
    with pytest.raises(DataError, match=r"the text has no \[MASK\]"):
        explain("The cat sat", model=CHECKPOINTS / "bert-masked", next_tokens=3)


def test_a_model_that_sees_both_sides_and_has_no_mask_predicts_nothing():
    with pytest.raises(DataError, match="sees both sides"):
        explain("The cat sat", model=CHECKPOINTS / "gemma3-both-sides", next_tokens=3)


@pytest.mark.parametrize("model", ["tiny", "untrained"])
def test_models_that_predict_nothing_say_so(model):
    with pytest.raises(CommandError, match="checkpoints that predict words"):
        explain("The cat sat", model=model, next_tokens=3)


@pytest.mark.parametrize("option", [{"causal": False}, {"scale": False}])
def test_every_head_predicts_as_it_is(option):
    with pytest.raises(CommandError, match="every head as it is"):
        explain("The cat sat", model=CHECKPOINTS / "gpt2", next_tokens=3, **option)


@pytest.mark.parametrize("count", [-1, 101])
def test_how_many_is_bounded(count):
    with pytest.raises(CommandError):
        explain("The cat sat", model=CHECKPOINTS / "gpt2", next_tokens=count)


def test_the_lesson_is_the_same_and_ends_with_what_is_expected():
    plain = explain("The cat sat", model=CHECKPOINTS / "gpt2", layer=1)
    asked = explain("The cat sat", model=CHECKPOINTS / "gpt2", layer=1, next_tokens=3)
    np.testing.assert_array_equal(asked.weights, plain.weights)
    assert plain.predicted is None
    done = run_ok("--model", str(CHECKPOINTS / "gpt2"), "--next", "3", "The cat sat")
    assert "What the model expects next" in done
    assert done.index("Step 4") < done.index("What the model expects next") < done.index("Model: gpt2")


def test_json_has_it_and_reads_back(tmp_path):
    model = str(CHECKPOINTS / "gpt2")
    for more in ((), ("--step", "2")):
        written = json.loads(run_ok("--model", model, "--next", "4", *more, "--json", "The cat sat"))
        assert [set(entry) for entry in written["next"]] == [{"token", "id", "probability", "position"}] * 4
        assert {entry["position"] for entry in written["next"]} == {len(written["tokens"]) - 1}
    path = tmp_path / "run.json"
    path.write_text(run_ok("--model", model, "--next", "4", "--json", "The cat sat"), encoding="utf-8")
    again = json.loads(run_ok("--model", str(path), "--json"))
    assert again["next"] == written["next"]
    assert "What the model expects next" in run_ok("--model", str(path))


def test_masks_are_marked_in_json():
    model = str(CHECKPOINTS / "bert-masked")
    written = json.loads(run_ok("--model", model, "--next", "2", "--json", "the [MASK] sat [MASK]"))
    jsonschema.validate(written, SCHEMA)
    assert [entry["masked"] for entry in written["next"]] == [True] * 4
    masks = [place for place, text in enumerate(written["tokens"]) if text == "[MASK]"]
    assert [entry["position"] for entry in written["next"]] == [masks[0]] * 2 + [masks[1]] * 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("probability", 2.0), ("probability", -0.1), ("probability", None), ("probability", True), ("token", 5),
        ("id", -1), ("id", "5"), ("position", 99), ("position", None), ("probability", 1.0),
        ("probability", 1.5),
    ],
)  # fmt: skip
def test_stored_tokens_that_cannot_be_are_refused(key, value, tmp_path):
    written = json.loads(run_ok("--model", str(CHECKPOINTS / "gpt2"), "--next", "4", "--json", "The cat sat"))
    written["next"][0][key] = value
    path = tmp_path / "run.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    done = run("--model", str(path))
    assert done.returncode == 3
    assert done.stderr.count(b"\n") <= 2
    assert b"next" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--next", "0"), ("--next", "101"), ("--next", "x"), ("--next", "3", "--overview"),
        ("--next", "3", "--explore"),
        ("--next", "3", "--no-causal"), ("--next", "3", "--no-scale"), ("--next", "3", "-o", "x.npz"),
        ("--next", "3", "--find", "a:b"), ("--next", "3", "--compare", "The dog"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together(arguments):
    done = run("--model", str(CHECKPOINTS / "gpt2"), *arguments, "The cat sat")
    assert done.returncode == 2
    assert not done.stdout
    assert b"--next" in done.stderr


@pytest.mark.parametrize("broken", ["transformer.ln_f.weight", "transformer.wte.weight"])
def test_numbers_that_are_not_finite_are_refused(broken, tmp_path):
    folder = changed("gpt2", tmp_path / "model", lambda tensors: tensors[broken].reshape(-1).__setitem__(-1, np.nan))
    done = run("--model", str(folder), "--next", "3", "The cat sat")
    assert done.returncode == 3
    assert done.stderr.count(b"\n") <= 2


def test_older_names_are_known(tmp_path):
    renamed = {
        "bert-masked": {
            "cls.predictions.transform.LayerNorm.weight": "cls.predictions.transform.LayerNorm.gamma",
            "cls.predictions.transform.LayerNorm.bias": "cls.predictions.transform.LayerNorm.beta",
        },
        "gpt-neox-untied": {"lm_head.weight": "embed_out.weight"},
    }
    for name, names in renamed.items():
        folder = changed(
            name, tmp_path / name, lambda t, names=names: [t.update({b: t.pop(a)}) for a, b in names.items()]
        )
        sentence = "the [MASK] sat" if name == "bert-masked" else "the cat sat"
        assert (
            explain(sentence, model=folder, next_tokens=3).predicted
            == explain(sentence, model=CHECKPOINTS / name, next_tokens=3).predicted
        )


@pytest.mark.parametrize(("name", "predicts"), [("gpt2", True), ("llama-3", False), ("bert-masked", False)])
def test_a_lesson_says_how_to_ask_where_the_model_predicts(name, predicts):
    model = str(CHECKPOINTS / name)
    assert ("--next 5" in run_ok("--model", model, "The cat sat")) is predicts
    if predicts:
        assert "--next 5" not in run_ok("--model", model, "--next", "2", "The cat sat")


def changed(name, folder, change):
    """Copy a checkpoint, and change its tensors."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(CHECKPOINTS / name, folder)
    tensors = {key: array.copy() for key, array in load_file(folder / "model.safetensors").items()}
    change(tensors)
    save_file(tensors, folder / "model.safetensors")
    return folder


END = "cls.predictions"
MISFITS = {
    "a bias too short": ("bert-masked", lambda t: t.update({f"{END}.bias": np.zeros(3, np.float32)})),
    "a gain too short": (
        "bert-masked",
        lambda t: t.update({f"{END}.transform.LayerNorm.weight": np.ones(3, np.float32)}),
    ),
    "no shift": ("bert-masked", lambda t: t.pop(f"{END}.transform.LayerNorm.bias")),
    "a matrix too wide": ("bert-untied", lambda t: t.update({f"{END}.decoder.weight": np.zeros((160, 5), np.float32)})),
    "a matrix too short": ("bert-untied", lambda t: t.update({f"{END}.decoder.weight": np.zeros((9, 12), np.float32)})),
    "whole numbers": ("bert-untied", lambda t: t.update({f"{END}.decoder.weight": np.zeros((160, 12), np.int8)})),
    "a flat matrix": ("bert-untied", lambda t: t.update({f"{END}.decoder.weight": np.zeros(160, np.float32)})),
    "no norm": ("gpt2", lambda t: t.pop("transformer.ln_f.weight")),
    "no shift of the norm": ("gpt2", lambda t: t.pop("transformer.ln_f.bias")),
    "a norm too wide": ("gpt2", lambda t: t.update({"transformer.ln_f.weight": np.ones(13, np.float32)})),
    "nothing makes it narrow": ("opt-narrow", lambda t: t.pop("model.decoder.project_out.weight")),
    "no bias of the matrix before": ("modernbert-plain-end", lambda t: t.pop("head.dense.bias")),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_does_not_fit_is_one_line(case, tmp_path):
    name, change = MISFITS[case]
    folder = changed(name, tmp_path / "model", change)
    done = run("--model", str(folder), "--next", "3", "the cat" if name in ("gpt2", "opt-narrow") else "the [MASK] sat")
    assert done.returncode == 3
    assert not done.stdout
    assert done.stderr.count(b"\n") <= 2
    assert b"tensor" in done.stderr


@pytest.mark.parametrize(
    ("name", "tensor"),
    [("modernbert-plain-end", "decoder.bias"), ("opt-narrow", "model.decoder.final_layer_norm.weight")],
)
def test_what_config_json_does_without_is_passed_over(name, tensor, tmp_path):
    """As transformers passes it over."""
    sentence = "the cat" if name == "opt-narrow" else "the [MASK] sat"
    size = 12 if name == "opt-narrow" else 320
    folder = changed(name, tmp_path / "model", lambda t: t.update({tensor: np.full(size, 3.0, np.float32)}))
    ours = explain(sentence, model=folder, next_tokens=3).predicted
    assert ours == explain(sentence, model=CHECKPOINTS / name, next_tokens=3).predicted


FORMULAS = {
    "gpt2": "p = softmax(norm(h)·W_out)", "opt-narrow": "p = softmax(h·W_n·W_out)",
    "gemma3-capped": "p = softmax(3·tanh((norm(h)·W_out) / 3))",
    "bert-masked": "p = softmax(norm(f(h·W_f + b_f))·W_out + b_out)",
    "roberta-prelayernorm-masked": "p = softmax(norm(f(norm(h)·W_f + b_f))·W_out + b_out)",
    "modernbert-plain-end": "p = softmax(norm(f(norm(h)·W_f + b_f))·W_out)",
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_the_formula_is_what_the_model_does(name):
    case = next(case for case in PREDICTING if case.split("/")[0] == name)
    screen = run_ok("--model", str(CHECKPOINTS / name), "--next", "3", "--width", "120", sentence_of(case))
    assert FORMULAS[name] in screen.replace(".00", "")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bert-masked", "One more matrix, an activation f, a norm and the output matrix make a score"),
        ("gpt2", "A norm and the output matrix make a score"),
    ],
)
def test_words_say_what_the_formula_says(name, says):
    out = run_ok("--model", str(CHECKPOINTS / name), "--next", "1", sentence_of(f"{name}/1"))
    assert says in " ".join(out.split())


def test_each_mask_has_its_table_and_what_all_others_get():
    model = str(CHECKPOINTS / "bert-masked")
    sentence = "the [MASK] sat [MASK]"
    screen = run_ok("--model", model, "--next", "3", "--step", "1", sentence).partition("What the model puts")[2]
    assert screen.count("The most probable in place of") == 2
    found = explain(sentence, model=model, next_tokens=3).predicted.tokens
    for table, number in zip(screen.split("The most probable in place of")[1:], (0, 3), strict=True):
        lines = table.splitlines()[2:6]
        assert [line.split()[0] for line in lines[:3]] == [token.shown for token in found[number : number + 3]]
        rest = 1 - sum(token.probability for token in found[number : number + 3])
        assert lines[3].split() == ["all", "others", f"{rest:.2f}"]


def test_a_stored_run_says_no_more_than_it_knows(tmp_path):
    path = tmp_path / "run.json"
    arguments = ["--model", str(CHECKPOINTS / "bert-masked"), "--next", "2", "--json", "the [MASK] sat"]
    path.write_text(run_ok(*arguments), encoding="utf-8")
    screen = run_ok("--model", str(path)).partition("What the model puts")[2]
    assert "[MASK]" in screen
    assert "output matrix" not in screen


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.reverse(), lambda found: found[0].update(masked=True),
        lambda found: [entry.update(masked=1) for entry in found], lambda found: [e.update(position=0) for e in found],
        lambda found: found[1].update(id=found[0]["id"]), lambda found: found[0].update(position=0),
    ],
)  # fmt: skip
def test_a_stored_run_in_another_order_or_half_masked_is_refused(change, tmp_path):
    written = json.loads(run_ok("--model", str(CHECKPOINTS / "gpt2"), "--next", "4", "--json", "The cat sat"))
    change(written["next"])
    path = tmp_path / "run.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    assert run("--model", str(path)).returncode == 3


def test_defaults_are_never_refused_and_the_token_that_predicts_asks():
    model = str(CHECKPOINTS / "gpt2")
    plain = json.loads(run_ok("--model", model, "--next", "2", "--json", "The cat sat"))
    asked = json.loads(run_ok("--model", model, "--next", "2", "--causal", "--scale", "--json", "The cat sat"))
    assert asked == plain
    assert plain["worked"]["query"] == plain["next"][0]["position"]


def test_a_checkpoint_without_its_last_norm_is_known_to_predict_nothing(tmp_path):
    folder = changed("gpt2", tmp_path / "model", lambda tensors: tensors.pop("transformer.ln_f.weight"))
    assert "--next" not in run_ok("--model", str(folder), "The cat sat")


@pytest.mark.parametrize(("name", "counts"), [("gpt2", False), ("gemma", False), ("gemma3", True), ("gemma2", True)])
def test_a_cap_counts_in_the_families_that_have_one(name, counts, tmp_path):
    """As in transformers, which passes the key over elsewhere."""
    folder = tmp_path / "model"
    shutil.copytree(CHECKPOINTS / name, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"final_logit_softcapping": 0.5}))
    plain, capped = (explain("the cat", model=model, next_tokens=5).predicted for model in (CHECKPOINTS / name, folder))
    assert (plain.tokens != capped.tokens) is counts
    if name == "gemma2":
        (folder / "config.json").write_text(json.dumps(config | {"final_logit_softcapping": None}))
        assert explain("the cat", model=folder, next_tokens=5).predicted.behind.softcap is None
        config.pop("final_logit_softcapping")
        (folder / "config.json").write_text(json.dumps(config))
        assert explain("the cat", model=folder, next_tokens=5).predicted.behind.softcap == 30


def test_a_bias_that_nothing_knows_is_refused(tmp_path):
    folder = changed("gpt2", tmp_path / "model", lambda t: t.update({"lm_head.bias": np.ones(320, np.float32)}))
    assert b"lm_head.bias" in run("--model", str(folder), "--next", "2", "the cat").stderr
