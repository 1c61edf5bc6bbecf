"""Answers that begin with an example of the data: noise it up and go on (SDEdit), keep half of it (inpainting), find its noise (DDIM
inversion)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines.core import Heat, Images, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer
from engines.diffusion.parameterisations import Denoise
from engines.diffusion.samplers import Noise, ddim, draw, final
from engines.diffusion.samplers import invert as ddim_invert
from engines.diffusion.sampling import classes_asked, denoiser_of_run, samples_view, seeded, sigmas_of_run, to_data

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

PLAIN = 1e-3  # sigma from which DDIM inversion sets out: the example as good as clean


def held_out(engine: DiffusionEngine, index: int, n: int) -> tuple[Tensor, Tensor | None]:
    """n held-out examples from number `index` on, (n, …) in the network's units, and their classes. ValueError if there are fewer."""
    if engine.image:
        pixels, labels = engine.data.test_pixels, engine.data.test_labels
        if index + n > len(pixels):
            raise ValueError(f"index={index} is outside [0, {len(pixels) - n}]")
        x = torch.from_numpy(pixels[index : index + n]).to(engine.device)
        y = torch.from_numpy(np.asarray(labels[index : index + n], np.int64)).to(engine.device) if engine.info.classes else None
    else:
        x, y = torch.from_numpy(engine.data.draw(index + n, 6)[index:]).to(engine.device), None
    return engine.encode(x).float(), y


def given(engine: DiffusionEngine, pixels: tuple[float, ...]) -> Tensor:
    """The visitor's own image, (1, …), or points, (m, 2), in the network's units."""
    shape, size = engine.info.shape, int(np.prod(engine.info.shape))
    if len(pixels) != size and (engine.image or len(pixels) % size):
        raise ValueError(f"pixels holds {len(pixels)} numbers, and an example has {size}")
    x = torch.tensor(pixels, device=engine.device).reshape(-1, *shape)
    return engine.encode(x).float()


def examples(engine: DiffusionEngine, asked: q.Examples) -> Answer:
    """View "examples": test images from number `start` on, fewer at the end; metric "count" of all there are."""
    if not engine.image:
        raise ValueError("there are no test images: these data are points")
    count = len(engine.data.test_pixels)
    if asked.start >= count:
        raise ValueError(f"start={asked.start} is outside [0, {count - 1}]")
    x, y = held_out(engine, asked.start, min(asked.n, count - asked.start))
    label = None if y is None else y.cpu().numpy().astype(np.uint8)
    yield Snapshot(
        engine.step, {"count": float(count)}, {"examples": (Images(to_data(engine, x), role="data", name="examples", label=label),)}
    )


def unrelated(engine: DiffusionEngine, x0: Tensor) -> float:
    """Mean root mean square between examples (m, …) and up to 200 held-out ones: what "nothing survives" would measure."""
    others, _ = held_out(engine, 0, min(200, len(engine.data.test_pixels)) if engine.image else 200)
    apart = (x0[:, None] - others[None]).square().flatten(2).mean(2).sqrt()
    return float(apart[apart > 0].mean())


def taken_for(engine: DiffusionEngine, x: Tensor, y: Tensor | None) -> dict[str, float]:
    """Metric "obeyed": the share of images (n, …) that the judge gives their class (n,); nothing where there is no judge."""
    judge = getattr(engine.probe, "judge", None)
    if judge is None or y is None:
        return {}
    return {"obeyed": float((judge.look(to_data(engine, x))[1].argmax(1) == y.cpu().numpy()).mean())}


def asked_classes(engine: DiffusionEngine, label: int, own: Tensor | None, n: int) -> Tensor | None:
    """The class asked for, or for −1 the example's own; (n,)."""
    return own.expand(n) if label < 0 and own is not None else classes_asked(engine, n, label)


# Meng et al., 2022 (SDEdit), algorithm 1
def edit(engine: DiffusionEngine, asked: q.Edit) -> Answer:
    """Views "original" (m examples), "noised" and "results": each n times noised to sigma, and denoised from there, example by example.
    Metrics: "distance", root mean square of result − original in units of the data's scale; "unrelated", the same between examples that
    have nothing to do with each other; "obeyed", the share that the judge gives the class asked for."""
    x0, own = (given(engine, asked.pixels), None) if asked.pixels else held_out(engine, asked.index, 1)
    many = x0.repeat_interleave(asked.n, 0)  # (m n, …)
    y, noise = asked_classes(engine, asked.label, own, len(many)), seeded(asked.seed, "edit", engine.device)
    c = engine.config
    sigmas = sigmas_of_run(c, engine.device, asked.num_steps or None).to(x0.dtype)
    start = torch.tensor([asked.sigma], device=engine.device, dtype=x0.dtype)
    sigmas = torch.cat([start, sigmas[sigmas < asked.sigma]])
    noised = many + asked.sigma * noise(many)
    moments = draw(c.sampler, denoiser_of_run(engine, y), noised, sigmas, noise, eta=c.eta, s_churn=c.s_churn)
    with torch.no_grad():
        for moment in moments:
            last = moment
            yield None
    shown = noised if not engine.image else noised / (1 + asked.sigma**2) ** 0.5
    views: dict[str, tuple[View, ...]] = {
        "original": (samples_view(engine, x0, own, "original", "data"),),
        "noised": (samples_view(engine, shown, y, "noised"),),
        "results": (samples_view(engine, last.x, y, "results"),),
    }
    kept = (last.x - many).square().flatten(1).mean(1).sqrt()
    found = {"distance": float(kept.mean()), "spread": float(kept.std()) if len(kept) > 1 else 0.0, "unrelated": unrelated(engine, x0)}
    found |= {"n": float(len(many)), "steps": float(len(sigmas) - 1)}
    yield Snapshot(engine.step, found | taken_for(engine, last.x, y), views)


def mask_of(shape: tuple[int, ...], half: str) -> Tensor:
    """(1, c, h, w): 1 where the image is known."""
    c, h, w = shape
    mask = torch.zeros(1, c, h, w)
    if half in ("top", "bottom"):
        mask[:, :, : h // 2] = 1
    else:
        mask[:, :, :, : w // 2] = 1
    return mask if half in ("top", "left") else 1 - mask


# Lugmayr et al., 2022 (RePaint), algorithm 1, with ancestral steps
def repaint(denoise: Denoise, x: Tensor, known: Tensor, mask: Tensor, sigmas: Tensor, noise: Noise, repeats: int) -> Iterator[Tensor]:
    """x (n, …) at sigmas[0]; after each step the known part is put back, with noise of that level. A repeated step noises x up again, so
    that both parts can agree."""
    for sigma, to in zip(sigmas[:-1], sigmas[1:], strict=True):
        for again in range(repeats):
            x0 = denoise(x, sigma)
            kept = (to / sigma) ** 2
            below = x0 + kept * (x - x0) + to * (1 - kept).sqrt() * noise(x)
            below = mask * (known + to * noise(x)) + (1 - mask) * below
            if again < repeats - 1 and to > 0:
                x = below + (sigma**2 - to**2).sqrt() * noise(x)
        x = below
        yield x


def inpaint(engine: DiffusionEngine, asked: q.Inpaint) -> Answer:
    """Views "original", "known" (the rest grey), "completions", and "variance": Heat of the variance of each pixel over completions.
    Metrics: "spread", the root of its mean over the unknown half in data units; "data spread", the same over test images of the class;
    "obeyed", see `taken_for`; "repeated", how many of the completions' known halves differ from the original, ideally 0."""
    if not engine.image:
        raise ValueError("inpainting needs images: a point has no halves")
    if engine.latent is not None:
        raise ValueError("inpainting puts known pixels back after every step, and this run denoises latents, which are not pixels")
    x0, own = held_out(engine, asked.index, 1)
    y, noise = asked_classes(engine, asked.label, own, asked.n), seeded(asked.seed, "inpaint", engine.device)
    mask = mask_of(engine.info.shape, asked.half).to(engine.device)
    sigmas = sigmas_of_run(engine.config, engine.device, asked.num_steps or None).to(x0.dtype)
    x = noise(x0.expand(asked.n, *x0.shape[1:])) * (1 + sigmas[0] ** 2).sqrt()
    with torch.no_grad():
        for step in repaint(denoiser_of_run(engine, y), x, x0, mask, sigmas, noise, asked.repeats):
            x = step
            yield None
    spread = (x * engine.scale).var(0).mean(0).cpu().numpy().astype(np.float32)  # (h, w)
    h, w = spread.shape
    views: dict[str, tuple[View, ...]] = {
        "original": (samples_view(engine, x0, own, "original", "data"),),
        "known": (samples_view(engine, mask * x0, own, "known", "data"),),
        "completions": (samples_view(engine, x, y, "completions"),),
        "variance": (Heat(spread[::-1].copy(), (0, w - 1, 0, h - 1), name="variance", hi=float(spread.max()) or 1.0),),
    }
    rest = (1 - mask).bool()[0].cpu().numpy()  # (c, h, w)
    known = (mask.bool().expand_as(x) & (x != x0)).flatten(1).any(1)
    found = {"spread": rms(spread_of(to_data(engine, x))[rest]), "n": float(asked.n), "repeated": float(known.sum())}
    found |= {"data spread": rms(spread_of(like(engine, None if y is None else int(y[0])))[rest])}
    yield Snapshot(engine.step, found | taken_for(engine, x, y), views)


def spread_of(pixels: np.ndarray) -> np.ndarray:
    """Standard deviation of each pixel over images (n, c, h, w), (c, h, w)."""
    return pixels.std(0, ddof=1)


def like(engine: DiffusionEngine, label: int | None) -> np.ndarray:
    """Test images of a class, of all classes for None, in data units."""
    data = engine.data
    return data.test_pixels if label is None else data.test_pixels[np.asarray(data.test_labels) == label]


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def invert(engine: DiffusionEngine, asked: q.Invert) -> Answer:
    """Views "original", "noise" (DDIM run backwards, at unit size) and "back" (DDIM from that noise). Metrics: "distance" between original
    and back, root mean square in units of the data's scale, "unrelated", see there, and "noise size", ideally 1."""
    x0, own = held_out(engine, asked.index, asked.n)
    y = own if asked.label < 0 else classes_asked(engine, asked.n, asked.label)
    denoise = denoiser_of_run(engine, y, config=replace(engine.config, cfg_scale=1.0))
    sigmas = sigmas_of_run(engine.config, engine.device, asked.num_steps or None).to(x0.dtype)
    grid = torch.cat([sigmas[:-1], sigmas.new_tensor([PLAIN])]) if sigmas[-2] > PLAIN else sigmas[:-1]
    with torch.no_grad():
        for moment in ddim_invert(denoise, x0, grid):
            up = moment
            yield None
        back = final(ddim(denoise, up.x, grid, lambda x: torch.zeros_like(x)))
    unit = up.x / (1 + up.sigma**2).sqrt()
    views: dict[str, tuple[View, ...]] = {
        "original": (samples_view(engine, x0, own, "original", "data"),),
        "noise": (samples_view(engine, unit, own, "noise"),),
        "back": (samples_view(engine, back, own, "back"),),
    }
    found = {"distance": float((back - x0).square().mean().sqrt()), "noise size": float(unit.square().mean().sqrt())}
    found |= {"unrelated": unrelated(engine, x0), "n": float(asked.n), "steps": float(len(grid) - 1)}
    yield Snapshot(engine.step, found, views)
