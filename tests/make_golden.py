"""Write the golden files anew: python tests/make_golden.py. Read the difference before you commit it."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import readme
from command import TERMINAL_VARIABLES
from moving import moving
from screens import GOLDEN, HEADS, MOVING, PICTURE, SCREENS, draw, heads, picture

if __name__ == "__main__":
    os.environ["TERM"] = "xterm-256color"
    for name in TERMINAL_VARIABLES:
        os.environ.pop(name, None)
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.txt"):
        path.unlink()
    for name, arguments in SCREENS.items():
        (GOLDEN / f"{name}.txt").write_text(draw(arguments), encoding="utf-8")
    readme.GOLDEN.mkdir(exist_ok=True)
    for path in readme.GOLDEN.iterdir():
        path.unlink()
    with tempfile.TemporaryDirectory() as folder:
        readme.prepare(Path(folder))
        for command in readme.COMMANDS:
            readme.golden(command).write_text(readme.output(command, Path(folder)), encoding="utf-8")
    from test_explore import SHOWN, SIZES, SNAPSHOTS, WALK, screen_picture, snapshot

    SNAPSHOTS.mkdir(exist_ok=True)
    for screen, keys in SHOWN.items():
        for columns, lines in SIZES:
            path = SNAPSHOTS / f"{screen}-{columns}x{lines}.txt"
            path.write_text(asyncio.run(snapshot((columns, lines), keys)), encoding="utf-8")
    for place, size in WALK.items():
        (GOLDEN / f"{place}.svg").write_text(asyncio.run(screen_picture(size, int(place[-1]))), encoding="utf-8")
    os.environ["COLORTERM"] = "truecolor"
    PICTURE.write_text(picture(), encoding="utf-8")
    HEADS.write_text(heads(), encoding="utf-8")
    MOVING.write_text(moving(), encoding="utf-8")
