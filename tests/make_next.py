"""Make the references of what small checkpoints predict: the scores of all tokens, as transformers computes them.

Needs PyTorch and transformers, and the checkpoints of `make_checkpoints.py`:

    python tests/make_next.py
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

HERE = Path(__file__).parent
SENTENCES = ("The animal didn't cross the street", "She put MASK money at the MASK")
"""With a mask where the model has one."""


def main() -> None:
    found = {}
    for folder in sorted((HERE / "data" / "checkpoints").iterdir()):
        config = transformers.AutoConfig.from_pretrained(folder)
        causal = getattr(config, "is_decoder", False) or config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
        kind = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
        model, info = kind.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
        )
        if info["missing_keys"] or getattr(config, "use_bidirectional_attention", False):
            print(f"{folder.name}: predicts nothing ({', '.join(sorted(info['missing_keys']))[:80]})")
            continue
        if hasattr(model, "set_experts_implementation"):
            model.set_experts_implementation("eager")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        known = tokenizer.get_vocab()
        mask = next((text for text in ("[MASK]", "<mask>") if text in known), None)
        for number, sentence in enumerate(SENTENCES):
            if ("MASK" in sentence) is causal or not (causal or mask):
                continue
            ids = tokenizer(sentence.replace("MASK", mask or ""))["input_ids"]
            places = [len(ids) - 1] if causal else [i for i, one in enumerate(ids) if one == known[mask]]
            with torch.no_grad():
                logits = model.eval()(torch.tensor([ids])).logits[0, places].double()
            found[f"{folder.name}/{number}/ids"] = np.array(ids, dtype=np.int32)
            found[f"{folder.name}/{number}/places"] = np.array(places, dtype=np.int32)
            found[f"{folder.name}/{number}/probabilities"] = logits.softmax(-1).numpy().astype(np.float32)
    np.savez_compressed(HERE / "data" / "next.npz", **found)
    print(json.dumps(sorted({name.split("/")[0] for name in found})))


if __name__ == "__main__":
    main()
