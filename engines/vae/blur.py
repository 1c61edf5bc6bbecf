"""Why a VAE's pictures are blurred: many training images share a place in latent space, and the mean that suits them all is blurred. One
place, its nearest training images, their mean, and what the decoder makes of it; then the same sharpness over many places."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.core import Curve, Images, Snapshot
from engines.state import Rng
from engines.vae.probe_images import laplacian_energy
from engines.vae.questions import Blur

if TYPE_CHECKING:
    from engines.vae.engine import VaeEngine

MANY, DRAWS, CHUNK = 100, 4, 500  # places measured, draws shown, examples encoded at a time


def blur(engine: VaeEngine, q: Blur) -> Generator[Snapshot | None]:
    """Views "blur": a test image, its `k` nearest training images by posterior mean, their mean, the decoder's mean at the image's place
    and draws of p(x | z) there. Metrics "sharpness/...": the energy of the Laplacian of each over that of the k images, and "many/...":
    the same, averaged over MANY test images."""
    if not engine.image or engine.codebook is not None:
        raise ValueError("blur is looked at on images with continuous latents")
    if q.index >= len(engine.probe.x):
        raise ValueError(f"index={q.index} is outside [0, {len(engine.probe.x) - 1}]")
    labels, codes = engine.labels, []
    for at in range(0, len(engine.examples), CHUNK):
        rows = slice(at, at + CHUNK)
        codes.append(engine.encoder(engine.examples[rows], None if labels is None else labels[rows])[0])
        yield None
    mu, places = torch.cat(codes), engine.probe.seen(engine).mu
    pixels, test = torch.from_numpy(engine.data.pixels), torch.from_numpy(engine.probe.pixels)
    many, ratios = torch.arange(min(MANY, len(places))), []
    for i in [q.index, *many.tolist()]:
        ratios.append(_sharpness(engine, i, places[i], pixels[_nearest(mu, places[i], q.k)]))
        yield None
    near = pixels[_nearest(mu, places[q.index], q.k)]
    y = None if engine.probe.y is None else engine.probe.y[q.index : q.index + 1]
    z = places[q.index : q.index + 1]
    noise = Rng(q.seed, ("blur",), engine.device)["blur"]
    draws = engine.probe.decode(engine, z.expand(DRAWS, -1), None if y is None else y.expand(DRAWS), noise).cpu().numpy()
    shown = {
        "test": test[q.index : q.index + 1],
        "near": near,
        "mean": near.mean(0, keepdim=True),
        "decoded": engine.probe.decode(engine, z, y),
    }
    views = tuple(Images(x.cpu().numpy(), role="data" if name in ("test", "near") else "model", name=name) for name, x in shown.items())
    columns = np.array(ratios[1:], np.float32)  # (MANY, 3)
    found = dict(zip(("sharpness/mean", "sharpness/decoded", "sharpness/draw"), map(float, ratios[0]), strict=True))
    found |= dict(zip(("many/mean", "many/decoded", "many/draw"), columns.mean(0).tolist(), strict=True))
    found |= {"n": float(len(columns)), "correlation": float(np.corrcoef(columns[:, 0], columns[:, 1])[0, 1])}
    each = Curve(columns[:, 0].copy(), columns[:, 1].copy(), name="each")  # of the mean, of the decoder
    yield Snapshot(engine.step, found, {"blur": (*views, Images(draws, name="draws")), "sharpness": (each,)})


def _nearest(mu: Tensor, place: Tensor, k: int) -> Tensor:
    """The k training examples, (k,), whose posterior means (n, d) are nearest to a place (d,)."""
    return (mu - place).norm(dim=1).topk(min(k, len(mu)), largest=False).indices.cpu()


def _sharpness(engine: VaeEngine, index: int, place: Tensor, near: Tensor) -> tuple[float, float, float]:
    """Of the mean of the images near (k, c, h, w), of the decoder's mean at the place (d,), of one draw there; over that of the images."""
    y = None if engine.probe.y is None else engine.probe.y[index : index + 1]
    own = laplacian_energy(near)
    noise = Rng(index, ("sharpness",), engine.device)["sharpness"]
    decoded, draw = (engine.probe.decode(engine, place[None], y, generator).cpu() for generator in (None, noise))
    return tuple(laplacian_energy(x) / own for x in (near.mean(0, keepdim=True), decoded, draw))  # type: ignore[return-value]
