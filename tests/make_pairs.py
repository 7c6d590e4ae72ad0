"""Write tests/data/pairs.npz: what transformers makes of two texts at once, and of those that are too long.

Needs PyTorch and transformers; the tests read the file and need neither:

    python tests/make_pairs.py
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers

FOLDER = Path(__file__).parent / "data" / "checkpoints"
NAMES = (
    "bert", "electra", "albert", "ernie", "roberta", "xlm-roberta", "mpnet", "distilbert", "roberta-prelayernorm",
)  # fmt: skip
PAIR = ("The animal was tired.", "Why didn't it cross?")
MOST = (9, 14)
"""How many tokens are left of texts that are too long: of the first alone, and of both."""


def main() -> None:
    arrays = {}
    for name in NAMES:
        tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER / name)
        model = transformers.AutoModel.from_pretrained(FOLDER / name, attn_implementation="eager").double().eval()
        encoded = tokenizer(*PAIR, return_token_type_ids=True)
        inputs = {"input_ids": torch.tensor([encoded["input_ids"]])}
        if json.loads((FOLDER / name / "config.json").read_text()).get("type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = torch.tensor([encoded["token_type_ids"]])
        with torch.no_grad():
            weights = torch.stack(model(**inputs, output_attentions=True).attentions)[:, 0]
        arrays[f"{name}/ids"] = np.array(encoded["input_ids"])
        arrays[f"{name}/types"] = np.array(encoded["token_type_ids"])
        arrays[f"{name}/weights"] = weights.numpy().astype(np.float32)
        for side in ("left", "right"):
            tokenizer.truncation_side = side
            for texts, most in zip((PAIR[:1], PAIR), MOST, strict=True):
                cut = tokenizer(*texts, truncation=True, max_length=most)
                arrays[f"{name}/cut/{side}/{len(texts)}"] = np.array(cut["input_ids"])
    np.savez_compressed(FOLDER.parent / "pairs.npz", **arrays)
    print(f"{len(NAMES)} models")


if __name__ == "__main__":
    main()
