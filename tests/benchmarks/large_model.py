"""The last layer of a random model of a billion parameters in bfloat16: this program, and transformers in float32."""

import sys
from importlib.util import find_spec
from multiprocessing import Process
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory

from side_by_side import ATTNEXPLAIN, measure, table

SENTENCE = "The animal didn't cross the street because it was too tired."
HERE = Path(__file__).parent
TOKENIZER = HERE.parent / "data" / "checkpoints" / "llama-3" / "tokenizer.json"


def make(folder: str) -> None:
    """Write a model with the sizes of Llama 3.2 1B, but for its vocabulary."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=32_000, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
        num_key_value_heads=8, head_dim=64, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    copy(TOKENIZER, folder)


def report(rounds: int) -> str:
    if find_spec("transformers") is None or find_spec("torch") is None:
        return "Not measured: pip install torch transformers"
    with TemporaryDirectory() as folder:
        process = Process(target=make, args=(folder,))  # what this process holds would count for its children
        process.start()
        process.join()
        programs = {
            "transformers, float32, eager": [sys.executable, str(HERE / "with_transformers.py"), folder, SENTENCE],
            "--layer 15 --head 3": [ATTNEXPLAIN, "--model", folder, "--layer", "15", "--head", "3", SENTENCE],
            "--overview of 512 heads": [ATTNEXPLAIN, "--model", folder, "--overview", SENTENCE],
        }
        return table(measure(programs, min(rounds, 5)), with_memory=True)
