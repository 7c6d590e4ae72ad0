"""How many cores are used is decided by the size of the model, unless the reader decided."""

import os
import subprocess
import sys

import pytest

from attnexplain.cli.threads import VARIABLES, cores

COUNT = """
from attnexplain.cli.threads import begin_with_one, use_all
begin_with_one()
import numpy
from threadpoolctl import threadpool_info
def most(): return max(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
first = most()
use_all()
print(first, most())
"""


def counts(**chosen: str) -> list[int]:
    pytest.importorskip("threadpoolctl")
    around = {name: value for name, value in os.environ.items() if name not in VARIABLES} | chosen
    done = subprocess.run([sys.executable, "-c", COUNT], env=around, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_one_core_is_used_until_a_model_is_large():
    assert counts() == [1, cores()]


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"])
def test_who_sets_a_variable_decides(name):
    first, then = counts(**{name: "2"})
    assert first == then == min(2, os.cpu_count() or 1)


def test_a_program_that_uses_us_keeps_its_threads():
    asks = "import os, attnexplain.cli; before = dict(os.environ); attnexplain.cli.main(['--version'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{asks}; print(before == dict(os.environ))"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "True"
