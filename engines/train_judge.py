"""Makes a judge: `python -m engines.train_judge mnist --data DIR --out assets/checkpoints/judge-mnist.safetensors`.

Trains the small classifier of `judge.py`, then stores its weights with the mean and covariance of its features over held-out images,
and the floors: what real images score that it was not trained on (--floors measures these alone). MNIST is trained on all 60,000 images if
--data (or the variable PLAYGROUND_DATA) names a folder with mnist_train60k.npz and mnist_test10k.npz, else on the bundled 10,000.
Seeded; one thread."""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from engines.data import images
from engines.judge import FOLDER, Classifier, Judge
from engines.metrics import FRECHET_DISTANCE
from engines.nn.init import reset

SEED = 0
BATCH = 64
LR = 2e-3
EPOCHS = {"digits": 25, "mnist": 6, "fashion": 14, "emoji": 60}
DRAWS = 200  # real draws that the floors are bands of
MAX_N = 1_000  # images per draw


def dataset(key: str, folder: str | None) -> tuple[images.ImageSet, str]:
    """What to learn from, and its description."""
    bundled = images.load(key)
    if key != "mnist" or not folder:
        return bundled, "bundled subset"
    with np.load(Path(folder) / "mnist_train60k.npz") as train, np.load(Path(folder) / "mnist_test10k.npz") as test:
        pixels, test_pixels = (images.to_pixels(part["x"])[:, None] for part in (train, test))
        labels, test_labels = (part["y"].astype(np.int64) for part in (train, test))
    full = replace(bundled, pixels=pixels, labels=labels, test_pixels=test_pixels, test_labels=test_labels)
    return full, "60,000 training and 10,000 test images"


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Images (n, c, h, w) moved by up to a sixteenth of their side, the whole batch alike; the border is repeated."""
    reach = x.shape[-1] // 16
    dx, dy = torch.randint(2 * reach + 1, (2,), generator=generator).tolist()
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    return padded[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]


def train(data: images.ImageSet, epochs: int) -> Classifier:
    """Adam on cross-entropy, the rate falling to zero along a half cosine."""
    generator = torch.Generator().manual_seed(SEED)
    net = reset(Classifier(data.shape, len(data.classes)), generator)
    optimiser = torch.optim.Adam(net.parameters(), LR)
    x, y = torch.from_numpy(data.pixels), torch.from_numpy(data.labels)
    total = epochs * math.ceil(len(x) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / total)))
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            loss = F.cross_entropy(net(shifted(x[rows], generator)), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def save(net: Classifier, data: images.ImageSet, path: Path, about: dict) -> None:
    """Weights, reference statistics and metadata (each value as JSON) in one safetensors file."""
    with torch.no_grad():
        features = torch.cat([net.features(part) for part in torch.from_numpy(data.test_pixels).split(500)]).double()
    reference = {"reference.mean": features.mean(0), "reference.cov": torch.cov(features.T)}
    metadata = {name: json.dumps(value) for name, value in about.items()}
    save_file({**net.state_dict(), **reference}, path, metadata=metadata)
    path.chmod(0o644)


def measure(judge: Judge, data: images.ImageSet) -> dict:
    """Accuracy on the held-out images, and the floors: what n of these score against the others."""
    _, probability = judge.look(data.test_pixels)
    return {
        "accuracy": float((probability.argmax(1) == data.test_labels).mean()),
        "floors": judge.real_scores(data.test_pixels, judge.n, DRAWS),
    }


def measure_again(path: Path, data: images.ImageSet) -> dict:
    """Put floors as they are measured now into the file of a judge, which stays as it is otherwise. Returns what the file says then."""
    with safe_open(path, framework="pt") as file:
        about = {name: json.loads(text) for name, text in file.metadata().items()}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about |= {"n": samples(len(data.test_pixels)), "held_out": len(data.test_pixels)}
    about.pop("floor_sd", None)
    for ready in (False, True):  # once with the new n, so that the very file that is kept is what is measured
        about |= measure(Judge(path), data) if ready else {}
        save_file(tensors, path, metadata={name: json.dumps(value) for name, value in about.items()})
    path.chmod(0o644)
    return about


def samples(held_out: int) -> int:
    """Images per draw, which leaves at least as many held-out images to compare with; where these are few, a power of two."""
    return MAX_N if held_out >= 2 * MAX_N else 2 ** int(math.log2(held_out / 2))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the classifier that judges image samples.")
    parser.add_argument("dataset", choices=EPOCHS)
    parser.add_argument("--data", default=os.environ.get("PLAYGROUND_DATA"), help="folder with the full MNIST files")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--floors", action="store_true", help="only measure what real images score, and keep the classifier")
    args = parser.parse_args()
    out = args.out or FOLDER / f"judge-{args.dataset}.safetensors"
    torch.set_num_threads(1)
    started = time.process_time()
    data, origin = dataset(args.dataset, args.data)
    if args.floors:
        print(json.dumps({**measure_again(out, data), "file": str(out)}))
        return
    net = train(data, EPOCHS[args.dataset])
    about = {
        "command": f"python -m engines.train_judge {args.dataset}" + (" --data DIR" if "60,000" in origin else ""),
        "data": f"{args.dataset}: {origin}; {len(data.pixels):,} to train on, {len(data.test_pixels):,} held out",
        "seed": SEED,
        "epochs": EPOCHS[args.dataset],
        "classes": data.classes,
        "shape": data.shape,
        "shares": (np.bincount(data.labels) / len(data.labels)).tolist(),
        "n": samples(len(data.test_pixels)),
        "held_out": len(data.test_pixels),
        "accuracy": 0.0,
        "floors": {FRECHET_DISTANCE: 0.0},
    }
    save(net, data, out, about)  # once without floors, so that the very file that is kept is what is measured
    about |= measure(Judge(out), data)
    save(net, data, out, about)
    print(json.dumps({**about, "seconds": round(time.process_time() - started, 1), "file": str(out)}))


if __name__ == "__main__":
    main()
