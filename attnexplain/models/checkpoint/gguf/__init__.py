"""GGUF files, as llama.cpp, Ollama and LM Studio keep them: one file with metadata, a vocabulary and the tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from attnexplain.models.checkpoint.gguf.source import open_gguf as open_gguf
