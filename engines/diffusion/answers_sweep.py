"""Answers that compare many ways to sample from one network: samplers against steps, and the strength of guidance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from engines import metrics
from engines.core import Curve, Snapshot, View
from engines.diffusion import questions as q
from engines.diffusion.answers import Answer, exact_of, unit_noise
from engines.diffusion.config import SAMPLERS, TWICE, nfe, steps_within
from engines.diffusion.distance import Distance
from engines.diffusion.samplers import final, heun_gain
from engines.diffusion.sampling import denoiser_of_run, generate, in_turn, samples_view, seeded, sigmas_of_run, to_data, walk

if TYPE_CHECKING:
    from engines.diffusion.engine import DiffusionEngine

COUNTS = (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 100, 200)  # steps
MOST_IMAGES, CELL_IMAGES = 64, 16  # samples in a cell on images, and those of them that are shown
CELL_POINTS = 300


def matrix(engine: DiffusionEngine, asked: q.Matrix) -> Answer:
    """View "cells": one layer per sampler and number of steps, named "heun/10", all from the same noise; "sliced_w1": one Curve per
    sampler, x = evaluations of the network, y = `Distance` from the data. Metrics: its floor at the same n, "n", and "gain/heun/10" of each
    cell whose sampler takes two estimates a step, see `heun_gain`."""
    names = list(SAMPLERS) if asked.samplers == "all" else [asked.samplers]
    n = min(asked.n, MOST_IMAGES) if engine.image else asked.n
    y = in_turn(n, len(engine.info.classes), engine.device) if engine.info.classes else None
    denoise = exact_of(engine) if asked.exact else denoiser_of_run(engine, y)
    eps, distance = unit_noise(engine, n, asked.seed), Distance(engine, n)
    cells, curves = [], []
    gains: dict[str, float] = {}
    for name in names:
        distances = []
        counts = [steps_within(name, int(c)) for c in asked.calls] or [k for k in COUNTS if k <= asked.most]
        for k in counts:
            config = replace(engine.config, sampler=name, num_steps=k)
            with torch.no_grad():
                x = final(walk(denoise, config, eps, seeded(asked.seed, "sampler", engine.device)))
            shown = CELL_IMAGES if engine.image else CELL_POINTS
            cells.append(samples_view(engine, x[:shown], None if y is None else y[:shown], f"{name}/{k}"))
            distances.append(distance.of(x))
            if name in TWICE:
                gains[f"gain/{name}/{k}"] = heun_gain(name, sigmas_of_run(engine.config, torch.device("cpu"), k))
            yield None
        guided = engine.told and engine.config.cfg_scale != 1
        spent = np.array([nfe(name, k, guided) for k in counts], np.float32)
        curves.append(Curve(spent, np.array(distances, np.float32), name=name))
    known = {**distance.band, metrics.SAMPLES: float(n)}
    views: dict[str, tuple[View, ...]] = {"cells": tuple(cells), metrics.SLICED_W1: tuple(curves)}
    yield Snapshot(engine.step, known | gains, views)


def guidance(engine: DiffusionEngine, asked: q.Guidance) -> Answer:
    """View "rows": Images, one layer per scale, the same noise and classes in each; "obeyed": Curve of the share of samples that the judge
    gives the class asked for, by scale; "diversity": Curve of the mean distance between two samples of a class, over that of the data.
    Metrics: "n" samples at each scale, "real obeyed", the share of test images that the judge gives their class."""
    if not engine.told:
        raise ValueError("guidance needs conditional=true: this network was told no classes")
    probe, k = engine.probe, len(engine.info.classes)
    n = asked.per_class * k
    eps, y = unit_noise(engine, n, asked.seed), in_turn(n, k, engine.device)
    layers, obeyed, spread = [], [], []
    for scale in asked.scales:
        x = generate(engine, eps, y, seeded(asked.seed, "sampler", engine.device), config=replace(engine.config, cfg_scale=scale))
        layers.append(samples_view(engine, x, y, f"w = {scale:g}"))
        if probe.judge:
            said = probe.judge.look(to_data(engine, x))[1].argmax(1)
            obeyed.append(float((said == y.cpu().numpy()).mean()))
        spread.append(_spread(to_data(engine, x), y.cpu().numpy()))
        yield None
    data = engine.data
    usual = _spread(data.test_pixels[:400], data.test_labels[:400])
    at = np.asarray(asked.scales, np.float32)
    views: dict[str, tuple[View, ...]] = {"rows": tuple(layers)}
    views["diversity"] = (Curve(at, np.asarray(spread, np.float32) / usual, name="diversity"),)
    if obeyed:
        views["obeyed"] = (Curve(at, np.asarray(obeyed, np.float32), name="class obeyed"),)
    found = {"n": float(n)}
    if probe.judge:
        found["real obeyed"] = float((probe.judge.look(data.test_pixels[:400])[1].argmax(1) == data.test_labels[:400]).mean())
    yield Snapshot(engine.step, found, views)


def _spread(pixels: np.ndarray, labels: np.ndarray) -> float:
    """Mean distance between two different images (n, c, h, w) of one class (n,), over the classes that have two."""
    means = []
    for label in np.unique(labels):
        x = pixels[labels == label].reshape(int((labels == label).sum()), -1)
        if len(x) > 1:
            away = np.sqrt(np.maximum(((x[:, None] - x[None]) ** 2).sum(2), 0))
            means.append(away.sum() / (len(x) * (len(x) - 1)))
    return float(np.mean(means)) if means else float("nan")
