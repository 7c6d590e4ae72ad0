"""Write tests/data/torch_reference.json: what PyTorch computes, in float64, for random heads.

    python tests/make_reference.py        # needs PyTorch; the tests that read the file do not

Two of PyTorch's own implementations are asked: `scaled_dot_product_attention`, and `nn.MultiheadAttention` with one
head.
"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)


def case(name, n, d_model, d_k, d_v, *, bias=False, causal=False, scale=None, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    x = normal(n, d_model)
    w_q, w_k, w_v = normal(d_model, d_k), normal(d_model, d_k), normal(d_model, d_v)
    b_q, b_k, b_v = (normal(d_k), normal(d_k), normal(d_v)) if bias else (None, None, None)
    q, k, v = (x @ w + (0 if b is None else b) for w, b in ((w_q, b_q), (w_k, b_k), (w_v, b_v)))
    context = torch.nn.functional.scaled_dot_product_attention(
        q[None], k[None], v[None], is_causal=causal, scale=None if scale is None else 1 / scale
    )[0]
    written = {"x": x, "w_q": w_q, "w_k": w_k, "w_v": w_v, "b_q": b_q, "b_k": b_k, "b_v": b_v, "context": context}
    lists = {key: None if value is None else value.tolist() for key, value in written.items()}
    return {"name": name, "causal": causal, "scale": scale, **lists}


def multihead_case(name, n, d, *, causal=False, seed=0):
    """One head of nn.MultiheadAttention whose output projection is the identity: it gives the weights too."""
    torch.manual_seed(seed)
    module = torch.nn.MultiheadAttention(d, 1, batch_first=True)
    with torch.no_grad():
        module.in_proj_bias.normal_()
        module.out_proj.weight.copy_(torch.eye(d))
        module.out_proj.bias.zero_()
    x = torch.randn(n, d)
    mask = torch.triu(torch.ones(n, n, dtype=torch.bool), 1) if causal else None
    with torch.no_grad():
        context, weights = module(x[None], x[None], x[None], attn_mask=mask, need_weights=True)
    w_q, w_k, w_v = (part.T for part in module.in_proj_weight.detach().split(d))
    b_q, b_k, b_v = module.in_proj_bias.detach().split(d)
    written = {
        "x": x, "w_q": w_q, "w_k": w_k, "w_v": w_v, "b_q": b_q, "b_k": b_k, "b_v": b_v,
        "context": context[0], "weights": weights[0],
    }  # fmt: skip
    return {"name": name, "causal": causal, "scale": None, **{key: value.tolist() for key, value in written.items()}}


def main():
    cases = [
        case("square", 5, 8, 8, 8, seed=1),
        case("wider values", 4, 6, 3, 5, seed=2),
        case("biases", 6, 8, 4, 4, bias=True, seed=3),
        case("causal", 7, 8, 4, 4, causal=True, seed=4),
        case("not scaled", 5, 4, 4, 4, scale=1.0, seed=5),
        case("one word", 1, 4, 2, 2, seed=6),
        case("long", 24, 16, 8, 8, bias=True, causal=True, seed=7),
        multihead_case("multi-head module", 6, 8, seed=8),
        multihead_case("multi-head module, causal", 6, 8, causal=True, seed=9),
    ]
    path = Path(__file__).parent / "data" / "torch_reference.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"torch": torch.__version__.split("+")[0], "cases": cases}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
