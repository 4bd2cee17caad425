"""Losses are those of PyTorch: values, first and second derivatives, and what is at their edges."""

from __future__ import annotations

import pytest

from tests.eager.parity import UNITS, agree

GIVEN = """
    rng = np.random.default_rng(3)
    def array(*shape, low=-2.0, high=2.0, dtype="float64"):
        return torch.tensor(rng.uniform(low, high, shape).astype(dtype))
"""
REDUCTIONS = ("mean", "sum", "none")
LOSSES = {
    "mse": "F.mse_loss(x, y, {})",
    "l1": "F.l1_loss(x, y, {})",
    "bce": "F.binary_cross_entropy(x.sigmoid(), y.sigmoid(), {})",
    "bce with weights": "F.binary_cross_entropy(x.sigmoid(), p, w, {})",
    "bce with logits": "F.binary_cross_entropy_with_logits(x, y.sigmoid(), {})",
    "bce with logits and weights": "F.binary_cross_entropy_with_logits(x, p, w, pos_weight=w[:1] + 1, {})",
    "cross entropy": "F.cross_entropy(x, c, {})",
    "cross entropy of bytes": "F.cross_entropy(x, c.to(torch.uint8), {})",
    "cross entropy with weights": "F.cross_entropy(x, c, w[0], {})",
    "cross entropy with an ignored class": "F.cross_entropy(x, c, ignore_index=2, {})",
    "cross entropy with a mark for ignored": "F.cross_entropy(x, torch.where(c == 1, -100, c), w[0], {})",
    "cross entropy, smoothed": "F.cross_entropy(x, c, label_smoothing=0.2, {})",
    "cross entropy, smoothed, with weights": "F.cross_entropy(x, c, w[0], label_smoothing=0.2, ignore_index=0, {})",
    "cross entropy, all smoothed": "F.cross_entropy(x, c, label_smoothing=1.0, {})",
    "cross entropy of probabilities": "F.cross_entropy(x, p, {})",
    "cross entropy of probabilities with weights": "F.cross_entropy(x, p, w[0], label_smoothing=0.1, {})",
    "cross entropy of one sample": "F.cross_entropy(x[0], c[0], {})",
    "cross entropy of images": "F.cross_entropy(x.reshape(2, 3, 2), c[:4].reshape(2, 2), {})",
    "nll": "F.nll_loss(x.log_softmax(1), c, {})",
    "nll with weights": "F.nll_loss(x.log_softmax(1), c, w[0], {})",
    "nll of one sample": "F.nll_loss(x[0], c[0], {})",
}
# These have other names in a graph, or parts of other names: PyTorch composes them, and not as we do.
COMPOSED = ("smoothed", "probabilities", "images")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_agree_with_their_derivatives(name: str, reduction: str, dtype: str) -> None:
    loss = LOSSES[name].format(f"reduction={reduction!r}")
    hidden = "_" if any(word in name for word in COMPOSED) else ""
    snippet = f"""
    x = array(4, 3, dtype="{dtype}").requires_grad_()
    y = array(4, 3, dtype="{dtype}")
    w = array(4, 3, low=0.1, high=1.0, dtype="{dtype}")
    c = torch.tensor([0, 2, 1, 2])
    p = y.softmax(1)
    {hidden}loss = {loss}
    _slope, = torch.autograd.grad({hidden}loss.sum(), x, create_graph=True)
    slope, value = _slope.detach(), {hidden}loss.detach()
    (_slope * w).sum().backward()
    """
    linear = name in ("l1", "nll of one sample")
    snippet = snippet.replace("(_slope * w).sum().backward()", "") if linear else snippet
    # PyTorch's second derivative of the cross entropy of probabilities has an epsilon of 1e-12 in its denominator.
    epsilon = name in ("bce", "bce with weights") and dtype == "float64"
    agree(GIVEN, snippet, scale=1.0, units=1e6 if epsilon else UNITS)


EDGES = {
    "perfect probabilities": "F.binary_cross_entropy(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0]))",
    "probabilities that are wrong": "F.binary_cross_entropy(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))",
    "huge scores": "F.binary_cross_entropy_with_logits(torch.tensor([1e30, -1e30]), torch.tensor([0.0, 1.0]))",
    "huge scores of classes": "F.cross_entropy(torch.tensor([[1e30, 0.0, -1e30]]), torch.tensor([0]))",
    "every target ignored": "F.cross_entropy(torch.ones(1, 3), torch.tensor([-100]))",
    "no samples": "F.cross_entropy(torch.ones(0, 3), torch.zeros(0, dtype=torch.int64))",
    "no numbers": "F.mse_loss(torch.ones(0), torch.ones(0))",
    "two dtypes": "F.mse_loss(torch.ones(2), torch.ones(2, dtype=torch.float64) * 3)",
    "a target that broadcasts": "F.mse_loss(torch.ones(4, 1), torch.zeros(4))",
    "an l1 target that broadcasts": "F.l1_loss(torch.ones(4, 1), torch.zeros(4))",
}


@pytest.mark.parametrize("loss", EDGES.values(), ids=EDGES.keys())
def test_losses_agree_at_edges(loss: str) -> None:
    agree(f"loss = {loss}")
