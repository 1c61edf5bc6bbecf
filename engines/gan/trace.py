"""What went through the networks in one step: the shape and the norm of each tensor, for the diagram of the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from engines.metrics import D_GRAD_NORM, G_GRAD_NORM

if TYPE_CHECKING:
    from engines.gan.deal import Deal


def trace(deal: Deal | None, metrics: Mapping[str, Tensor], sizes: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """name -> {"shape", "norm"} of what the step touched, of its last deal if D learned several times.
    z, fake, real    noise and examples as D saw them; norm is the root mean square of their numbers
    d_fake, d_real   D's last logits of them, after D's update where G has learned too; norm as above
    grad_d, grad_g   gradients of all weights; norm is their length. `sizes` "d", "g" are the numbers of weights."""
    if deal is None:
        return {}
    seen = {"z": deal.z, "fake": deal.fake, "real": deal.real, "d_fake": deal.fake_logits, "d_real": deal.real_logits}
    if deal.real_logits is None:  # G alone does not look at the data, unless its loss compares pairs
        del seen["real"]
    found = {name: {"shape": list(x.shape), "norm": _root_mean_square(x)} for name, x in seen.items() if x is not None}
    lengths = {"grad_d": (metrics.get(D_GRAD_NORM), sizes["d"]), "grad_g": (metrics.get(G_GRAD_NORM), sizes["g"])}
    return found | {name: {"shape": [n], "norm": float(length)} for name, (length, n) in lengths.items() if length is not None}


def _root_mean_square(x: Tensor) -> float:
    return float(x.detach().square().mean().sqrt())
