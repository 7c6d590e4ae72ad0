"""Write the token numbers of llama.cpp anew: python tests/make_gguf_tokens.py [GEMMA.gguf]. Needs xllamacpp.

Texts are tokenized as plain text: special tokens are put around them as the metadata say, and none is read in them.
"""

import json
import random
import sys
import tempfile
import urllib.request
from pathlib import Path

import xllamacpp

sys.path.insert(0, str(Path(__file__).parent))

from gguf_files import write

DATA = Path(__file__).parent / "data" / "gguf_tokens.json"
NAMES = ("llama-3", "qwen3", "gpt2", "mistral", "gemma")
CHANCE = random.Random(0)
WORDS = Path(__file__).parents[1].joinpath("sentences", "ambiguous.txt").read_text().split()
TEXTS = [
    "The animal didn't cross the street because it was too tired.",
    "Hello world", " leading space", "two  spaces   three", "trailing space ", "a\ttab", "line\nbreak", "\n\nbegins",
    "1 12 123 1234 12345 3.14159", "100,000.50 € at 12:30", "I'm you'RE we'll", "x=y+1; // code", "CamelCaseWord",
    "naïve café über", "猫 sat on 東京", "Привет мир", "नमस्ते दुनिया", "مرحبا بالعالم", "🙂 👩\u200d👩\u200d👧 🇩🇪",
    "<s> and </s> and <bos> <|endoftext|> <unk>", "<0x41>", "e\u0301 decomposed", "ﬁ ligature ½ ²", "\u00a0nbsp", "…“quoted”—dash",
    "mantra " * 20, "a" * 60, "?!?!", "…", "don't can't won't", "http://example.org/a?b=c&d=e#f", "tab\t\ttwo", "mixed 12ab34",
    " ".join(CHANCE.choice(WORDS) for _ in range(300)),
]  # fmt: skip


def tokens_of(path):
    """Let llama.cpp split all texts."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.warmup = 64, False
    server = xllamacpp.Server(parameters)
    found = []
    for text in TEXTS:
        data = json.dumps({"content": text, "add_special": True, "parse_special": False}).encode()
        request = urllib.request.Request(
            f"{server.listening_address}/tokenize", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            found.append(json.loads(answer.read())["tokens"])
    return found


def plainer(metadata, tensors):
    """Leave out what our small models have and llama.cpp's architecture has not; tokens are the same without."""
    for name in [name for name in tensors if name.startswith("blk.") and name.endswith(".bias")]:
        del tensors[name]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        ids = {
            name: tokens_of(write(name, Path(folder) / f"{name}.gguf", change=plainer if name == "qwen3" else None))
            for name in NAMES
        }
    if len(sys.argv) > 1:
        ids["gemma-3-270m"] = tokens_of(sys.argv[1])
    elif DATA.exists():
        ids["gemma-3-270m"] = json.loads(DATA.read_text())["ids"]["gemma-3-270m"]
    DATA.write_text(json.dumps({"texts": TEXTS, "ids": ids}, indent=None) + "\n")
