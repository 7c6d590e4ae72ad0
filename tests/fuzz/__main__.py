"""Fuzz one target with atheris, led by what of our code each input reaches, for as long as wanted.

    python -m pip install atheris
    python tests/fuzz tokens 60

An input that breaks a promise is kept in `corpus/`, where the tests run it again for ever.
"""

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["attnexplain"]):
    import attnexplain

    for module in walk_packages(attnexplain.__path__, "attnexplain."):  # also what is imported late
        if not module.name.endswith("__main__") and ".training" not in module.name:
            import_module(module.name)
    from fuzz.targets import TARGETS, workplace


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2]
    found = HERE / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    reached = workplace() / "reached"
    reached.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        "-timeout=25",
        "-rss_limit_mb=3000",
        "-max_len=400",
        "-len_control=0",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={found}/", str(reached), str(found)], TARGETS[name])
    atheris.Fuzz()


main()
