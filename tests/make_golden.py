"""Write the golden files anew: python tests/make_golden.py. Read the difference before you commit it."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from screens import GOLDEN, SCREENS, draw

if __name__ == "__main__":
    os.environ["TERM"], os.environ["COLORTERM"] = "xterm-256color", ""
    GOLDEN.mkdir(exist_ok=True)
    for name, arguments in SCREENS.items():
        (GOLDEN / f"{name}.txt").write_text(draw(arguments), encoding="utf-8")
