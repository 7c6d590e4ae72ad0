"""Real models: Hugging Face checkpoints of the BERT and GPT-2 families, run with numpy alone.

    sources.py     where the files are: a folder, the local cache, an installed package
    hub.py         fetching them, when the user asks for it
    config.py      config.json: the family and its sizes
    tensors.py     .safetensors, mapped into memory
    tokenizer.py   the model's own pieces of words; tokenizer_folder.py makes it, guard.py keeps it in bounds
    bert.py  distilbert.py  roberta.py  gpt2.py      names, shapes and what a layer does, family by family
    layout.py      where parameters lie; layers.py what layers are made of
    run.py         every head of every layer runs through `attend`
    checkpoint.py  the model that comes out

Nothing in a checkpoint is ever executed: no pickle is opened, no code that comes with it is run.
"""

from attnexplain.models.checkpoint.checkpoint import Checkpoint, open_checkpoint

__all__ = ["Checkpoint", "open_checkpoint"]
