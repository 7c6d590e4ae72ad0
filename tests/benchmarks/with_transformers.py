"""The attention weights of a checkpoint's last layer, as transformers computes them: folder, sentence."""

import sys

import torch
from transformers import AutoModel, AutoTokenizer

folder, sentence = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
with torch.no_grad():
    attention = model(**tokenizer(sentence, return_tensors="pt"), output_attentions=True).attentions
print(attention[-1][0, 3])
