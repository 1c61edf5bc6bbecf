"""The judge: a small classifier per image data set. It measures samples in the features of its last hidden layer, as the Frechet
Inception Distance does with a large one (Heusel et al., 2017). Distances from different judges cannot be compared: read them beside
the floor, what real training images score at the same n. Made by `python -m engines.train_judge`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from engines import measures, metrics
from engines.data.captions import captioned, plain

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "checkpoints"
FEATURES = 128
DRAWS = 40  # of real images
MEASURED = (metrics.FRECHET_DISTANCE, metrics.CONFIDENCE, metrics.CLASSES_COVERED, metrics.CLASS_BALANCE)


class Classifier(nn.Module):
    """Two stride-2 convolutions of 16 and 32 channels, one hidden layer of 128 features, one logit per class."""

    def __init__(self, shape: tuple[int, int, int], classes: int):
        super().__init__()
        c, h, w = shape
        cells = (h // 4) * (w // 4)
        self.conv1 = nn.utils.skip_init(nn.Conv2d, c, 16, 3, stride=2, padding=1)
        self.conv2 = nn.utils.skip_init(nn.Conv2d, 16, 32, 3, stride=2, padding=1)
        self.hidden = nn.utils.skip_init(nn.Linear, 32 * cells, FEATURES)
        self.head = nn.utils.skip_init(nn.Linear, FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """Images (n, c, h, w) -> (n, 128), none below 0."""
        x = F.relu(self.conv1(x))  # (n, 16, h/2, w/2)
        x = F.relu(self.conv2(x))  # (n, 32, h/4, w/4)
        return F.relu(self.hidden(x.flatten(1)))  # (n, 128)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))  # (n, classes)


class Judge:
    """A trained classifier with the mean and covariance of its features over held-out real images, of which there are `held_out`.
    `floors` is what `n` of those score, which it was not trained on either (see `real_scores`), `floor` their mean Frechet distance;
    `usual` holds the shares of the classes in the data and `about` says how all this was made."""

    def __init__(self, path: Path):
        with safe_open(path, framework="pt") as file:
            self.about = {name: json.loads(text) for name, text in file.metadata().items()}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.classes = tuple(self.about["classes"])
        self.shape = tuple(self.about["shape"])
        self.n, self.floors, self.held_out = self.about["n"], self.about["floors"], self.about["held_out"]
        self.floor = self.floors[metrics.FRECHET_DISTANCE]
        self.usual = np.array(self.about["shares"])  # (classes,)
        self.mean, self.cov = tensors.pop("reference.mean").numpy(), tensors.pop("reference.cov").numpy()  # (128,), (128, 128)
        self.net = Classifier(self.shape, len(self.classes)).eval().requires_grad_(False)
        self.net.load_state_dict(tensors)

    @torch.no_grad()
    def look(self, pixels: Tensor | np.ndarray, chunk: int = 250) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, c, h, w) -> features (n, 128) float64 and class probabilities (n, classes)."""
        pixels = torch.as_tensor(pixels, dtype=torch.float32, device="cpu")
        features = torch.cat([self.net.features(part) for part in pixels.split(chunk)])
        return features.double().numpy(), self.net.head(features).softmax(1).numpy()

    def shares(self, pixels: Tensor | np.ndarray) -> np.ndarray:
        """Shares of the classes, as the judge sees them, (classes,) float32."""
        return self._shares(self.look(pixels)[1])

    def report(self, pixels: Tensor | np.ndarray) -> dict[str, Any]:
        """What the judge says of images (n, c, h, w):
        frechet_distance  from the held-out real images; depends on n, see `floor`
        confidence        mean probability of the likeliest class, in [0, 1]
        classes_covered   number of classes with at least a fifth of their share of the data
        class_balance     reverse KL in nats from the shares of the classes to those of the data; 0 = the same
        histogram         (classes,) float32, the shares"""
        features, probability = self.look(pixels)
        return {metrics.FRECHET_DISTANCE: self.distance(features)} | self._said(probability) | {"histogram": self._shares(probability)}

    def distance(self, features: np.ndarray) -> float:
        """Frechet distance of features (n, 128) from the reference."""
        return measures.frechet(measures.moments(features), (self.mean, self.cov))

    def real_scores(self, pixels: np.ndarray, n: int, draws: int = DRAWS) -> dict[str, float]:
        """The band of what `n` real images score that the judge has not seen: `draws` draws of `pixels` (m, c, h, w), m >= 2 n, all of them
        part of the reference, each against the reference without its own images. Confidence and classes are those of as many images drawn
        with replacement, since their spread would be too small where n is much of m."""
        features, probability = self.look(pixels)
        rng, scores = np.random.default_rng(0), []
        for _ in range(draws):
            rows = rng.choice(len(pixels), n, replace=False)
            others = without((self.mean, self.cov), self.held_out, features[rows])
            some = probability[rng.integers(len(pixels), size=n)]
            distance = measures.frechet(measures.moments(features[rows]), others)
            scores.append({metrics.FRECHET_DISTANCE: distance} | self._said(some))
        return measures.band(scores)

    def _said(self, probability: np.ndarray) -> dict[str, float]:
        """What class probabilities (n, classes) say of the images, without their features."""
        share = self._shares(probability)
        return {
            metrics.CONFIDENCE: float(probability.max(1).mean()),
            metrics.CLASSES_COVERED: float((share >= metrics.COVERED * self.usual).sum()),
            metrics.CLASS_BALANCE: divergence(share, self.usual),
        }

    def _shares(self, probability: np.ndarray) -> np.ndarray:
        counts = np.bincount(probability.argmax(1), minlength=len(self.classes))
        return (counts / len(probability)).astype(np.float32)


def halves(m: int, n: int, draws: int = 8) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (n,) and as many other rows of m held-out examples, m >= 2 n, drawn anew each time: real against real."""
    rng = np.random.default_rng(1)
    for _ in range(draws):
        rows = rng.permutation(m)
        yield rows[:n], rows[n : 2 * n]


def without(moments: tuple[np.ndarray, np.ndarray], m: int, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of m examples once some of them, features (n, d), are left out."""
    (mean, cov), n = moments, len(features)
    second = (m - 1) * cov + m * np.outer(mean, mean) - features.T @ features  # (d, d), the sum of f fᵀ of the others
    rest = (m * mean - features.sum(0)) / (m - n)  # (d,)
    return rest, (second - (m - n) * np.outer(rest, rest)) / (m - n - 1)


def divergence(q: np.ndarray, p: np.ndarray) -> float:
    """KL(q ‖ p) in nats of shares (k,), p > 0."""
    some = q > 0
    return float((q[some] * np.log(q[some] / p[some])).sum())


class CaptionsJudge(Judge):
    """The judge of images with captions (see `engines.data.captions`): it enlarges what is drawn and puts it into the middle before it
    looks. Its reference and its floors are those of such images."""

    def __init__(self, key: str):
        super().__init__(FOLDER / f"judge-{key}.safetensors")
        self.key, data = key, captioned(key)
        self.mean, self.cov = measures.moments(self.look(data.test_pixels)[0])
        self.held_out = len(data.test_pixels)
        self.n = min(self.n, self.held_out // 2)
        self.floors = self.real_scores(data.test_pixels, self.n)
        self.floor = self.floors[metrics.FRECHET_DISTANCE]

    def look(self, pixels: Tensor | np.ndarray, chunk: int = 250) -> tuple[np.ndarray, np.ndarray]:
        return super().look(plain(self.key, np.asarray(pixels)), chunk)


@cache
def judge_of_captions(key: str) -> CaptionsJudge:
    """Of a data set with captions, made once per process."""
    return CaptionsJudge(key)


@cache
def judge(key: str) -> Judge | None:
    """The judge of a data set, loaded once per process; None where there is none (the visitor's own images)."""
    path = FOLDER / f"judge-{key}.safetensors"
    return Judge(path) if path.exists() else None
