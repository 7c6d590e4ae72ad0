"""How the learned model inside the package is made, to be read as a lesson and to be run again.

One command fetches the sources by package name, trains, measures, and writes the weights file with its card:

    pip install -e '.[train]' && python -m attnexplain.models.training

It needs pip, apt-get and dpkg-deb (Debian), about 200 MB of disk and twenty minutes at most of two processor cores. The result
is the same to the last bit whenever it runs on the same machine with the same PyTorch.

The files, in the order of the work: `sources` (what is fetched), `corpus` (sentences), `vocabulary` (which words),
`semantics` (what a sentence encoder knows of each word alone), `hearing` (what it makes of words in a sentence), `learn`
(the objective and the descent), `telling` (what sentences of our own tell), `learn_order` (heads 1 and 2), `evaluate` (what
came out), `card` (the file and its description).
"""
