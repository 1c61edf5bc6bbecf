"""What each word of a caption does: one image drawn step by step, and where the denoiser looked each word up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.core import Heat, Snapshot, Tokens, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer, configured, latent_view, step_table, unit_noise, visible
from engines.diffusion.guidance import classifier_free
from engines.diffusion.samplers import Moment
from engines.diffusion.sampling import caption_asked, samples_view, seeded, walk

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine


# Hertz et al., 2022 ("Prompt-to-Prompt"), figure 4: cross-attention, averaged over heads, blocks and steps
def attention(engine: DiffusionEngine, asked: q.Attention) -> Answer:
    """One caption, n images. Views "x_t", "x0" and "latent": Images, a layer per step named by its sigma; "image"; "tokens": the words as
    read; "words": one Heat for each word, what part of a cell's attention it has on the first image, mean over heads, blocks, steps, over
    the mean of all cells (1 = no more here than elsewhere); "by_step": the same step by step, layers named "word/number of the step"."""
    caption = asked.caption or (engine.data.wording.example if engine.config.text else "a seven")
    y = caption_asked(engine, caption, asked.n)
    config = configured(engine, "", asked.num_steps)
    if asked.cfg_scale >= 0:
        config = replace(config, cfg_scale=asked.cfg_scale)
    found: list[Tensor] = []
    eps = unit_noise(engine, asked.n, asked.seed)

    def watched(z: Tensor, c_noise: Tensor, told: Tensor | None = None) -> Tensor:
        maps: list[Tensor] | None = None if told is None else []
        out = engine.ema.net(z, c_noise, told, maps=maps)
        if maps is not None:
            found.append(torch.stack(maps).mean(0)[0])  # (cells, 1 + k) of the first image
        return out

    moments: list[Moment] = []
    by_step: list[Tensor] = []
    denoise = classifier_free(watched, engine.parameterisation, y, config.cfg_scale)
    steps = walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device))
    with torch.no_grad():
        for moment in steps:
            moments.append(moment)
            by_step.append(torch.stack(found).mean(0))
            found.clear()
            yield None
    words, name = engine.data.wording.split(caption), lambda m: f"σ = {float(m.sigma):.3g}"
    mean, each = heats(engine, torch.stack(by_step).mean(0), words), [heats(engine, some, words) for some in by_step]
    views: dict[str, tuple[View, ...]] = {
        "x_t": tuple(samples_view(engine, visible(engine, m), None, name(m)) for m in moments),
        "x0": tuple(samples_view(engine, m.x0, None, name(m)) for m in moments),
        "latent": tuple(latent_view(visible(engine, m), name(m)) for m in moments),
        "image": (samples_view(engine, moments[-1].x, None, "image"),),
        "tokens": (Tokens(tuple(words), given=len(words), name="caption"),),
        "words": tuple(mean),
        "by_step": tuple(
            Heat(h.values, h.extent, name=f"{h.name}/{k + 1}", lo=h.lo, hi=h.hi) for k, layers in enumerate(each) for h in layers
        ),
        "table": step_table(engine, config, eps, moments),
    }
    yield Snapshot(engine.step, {}, views)


def heats(engine: DiffusionEngine, weights: Tensor, words: list[str]) -> list[Heat]:
    """One Heat for each word from attention (cells, 1 + k), in pixels of the image, each over its mean."""
    c, h, w = engine.shape
    sides = engine.data.shape[1:]
    step = sides[0] / h
    extent = (step / 2 - 0.5, sides[1] - step / 2 - 0.5, step / 2 - 0.5, sides[0] - step / 2 - 0.5)
    grids = weights[:, 1 : 1 + len(words)].T.unflatten(1, (h, w)).cpu().numpy()  # (words, h, w)
    over_mean = [(g / g.mean())[::-1].astype(np.float32).copy() for g in grids]
    return [Heat(g, extent, name=word, hi=max(2.0, float(g.max()))) for word, g in zip(words, over_mean, strict=True)]
