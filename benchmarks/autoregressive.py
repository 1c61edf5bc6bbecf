"""Figures of the autoregressive family, one JSON object a line.

python -m benchmarks.autoregressive digits [--seeds 3]             bits per dimension of held-out 8×8 digits, 17 levels
python -m benchmarks.autoregressive nanogpt [--seeds 1]            nanoGPT's CPU setting on tiny Shakespeare: 2,000 iterations
python -m benchmarks.autoregressive best --seconds 130             the best transformer in the same time, on byte pairs (chars: without)
python -m benchmarks.autoregressive drawing                        pixels by pieces against whole passes, 28×28
python -m benchmarks.autoregressive mnist --minutes 60 --threads 2 binarised MNIST in nats, Gated PixelCNN

PLAYGROUND_DATA names a folder with tinyshakespeare.txt and, for mnist, the full files mnist_train60k.npz and mnist_test10k.npz; without
these, mnist trains on the bundled 10,000. Seconds and minutes are CPU time of training alone, of all threads."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engines.data import images
from engines.loop import advance
from engines.registry import FAMILIES
from engines.state import pack, unpack

Row = dict[str, Any]
FAMILY = FAMILIES["autoregressive"]
NANOGPT = dict(dataset="shakespeare", model="gpt2", layers=4, heads=4, width=128, block_size=64, batch=12, steps=2_000)
CHARS = dict(dataset="shakespeare", model="llama", layers=4, heads=4, kv_heads=4, width=128, block_size=64, batch=24, lr=4e-3)
BEST = CHARS | dict(tokens="bpe", vocab=1_024, batch=12)  # a step reads 2.5 times as much text
MNIST = dict(
    dataset="mnist", binarise="sampled", layers=6, kernel=5, batch=16, lr=3e-3, ema_decay=0.999, weight_decay=0.01, precision="bfloat16"
)


def trained(settings: Row, seconds: float | None = None) -> Row:
    """Train; the measures over all that is held out. With a budget, the decay is planned for the steps that will fit."""
    engine = FAMILY.build(FAMILY.resolve(settings))
    spent, begun = 0.0, time.thread_time()
    for _ in advance(_bare(engine), steps=10**9 if seconds else engine.total, every=10**9):
        spent = time.thread_time() - begun
        if seconds and engine.step % 20 == 0:
            if spent >= seconds:
                break
            engine.total = max(engine.step + 1, int(engine.step * seconds / spent))
    return {**settings, "steps": engine.step, "seconds": round(spent, 1), **engine.audit()[0]}


def _bare(engine: Any) -> Any:
    """Without looks and evaluations, which would cost time."""
    engine.look, engine.evaluate = dict, dict
    return engine


def digits(args: argparse.Namespace) -> Iterator[Row]:
    for seed in range(args.first, args.first + args.seeds):
        yield trained(dict(dataset="digits", seed=seed))


def nanogpt(args: argparse.Namespace) -> Iterator[Row]:
    for seed in range(args.first, args.first + args.seeds):
        yield trained({**NANOGPT, "seed": seed})


def best(args: argparse.Namespace) -> Iterator[Row]:
    for seed in range(args.first, args.first + args.seeds):
        yield trained({**BEST, "seed": seed}, args.seconds)


def chars(args: argparse.Namespace) -> Iterator[Row]:
    for seed in range(args.first, args.first + args.seeds):
        yield trained({**CHARS, "seed": seed}, args.seconds)


def drawing(args: argparse.Namespace) -> Iterator[Row]:
    """Seconds for 16 images by pieces, and by whole passes, of which only some are made: they all cost alike."""
    from engines.autoregressive.generate import draw
    from engines.autoregressive.pixel_states import begin

    for model in ("pixelcnn", "gated-pixelcnn", "image-gpt"):
        engine = FAMILY.build(FAMILY.resolve(dict(dataset="mnist", model=model)))
        u, taken, drawn = torch.rand((16, 784), generator=torch.Generator().manual_seed(0)), {}, []
        for cached, pixels in ((True, 784), (False, args.pixels)):
            since, state = time.thread_time(), begin(engine.model, 16, (28, 28), None, engine.device, cached=cached)
            with torch.no_grad():
                for k in range(pixels):
                    state.put(draw(state.log_probs(), u[:, k]))
            taken[cached] = (time.thread_time() - since) / pixels * 784
            drawn.append(state.x.flatten(1)[:, : args.pixels])
        yield {
            "model": model,
            "same pixels": torch.equal(*drawn),
            "compared": args.pixels,
            "pieces [s]": taken[True],
            "passes [s]": taken[False],
            "times": taken[False] / taken[True],
        }


def mnist(args: argparse.Namespace) -> Iterator[Row]:
    """The full set where it is at hand. A row every few minutes on 1,000 test images, the last on all; what was trained is kept in --keep,
    so that a run that was cut short goes on. The decay is planned for the steps that will fit."""
    torch.set_num_threads(args.threads)
    folder = Path(os.environ.get("PLAYGROUND_DATA", ""))
    if (folder / "mnist_train60k.npz").is_file():
        images.SETS["mnist"] = lambda: _full(folder)
    engine = _bare(FAMILY.build(FAMILY.resolve({**MNIST, "seed": args.first})))
    budget, before, rows = 60 * args.minutes, _resume(engine, args.keep), 0
    begun, measuring = time.process_time(), 0.0  # of all threads together
    for _ in advance(engine, steps=10**9, every=10**9):
        spent = before + time.process_time() - begun - measuring
        engine.total = max(engine.step + 1, int(engine.step * budget / spent))
        if spent < budget and spent < 60 * args.every * (rows + 1 + int(before / 60 / args.every)):
            continue
        since, rows = time.process_time(), rows + 1
        n = len(engine.source.test) if spent >= budget else 1_000
        nats = engine.probe.measure(engine, n)["test_nll"]
        yield {"minutes": round(spent / 60, 1), "steps": engine.step, "nats": nats, "n": n, "trained on": len(engine.source.train)}
        _keep(engine, args.keep, spent)
        measuring += time.process_time() - since
        if spent >= budget:
            return


def _keep(engine: Any, name: str | None, seconds: float) -> None:
    if name:
        Path(name).write_bytes(pack(engine))
        Path(f"{name}.seconds").write_text(str(seconds))


def _resume(engine: Any, name: str | None) -> float:
    """Seconds of training that lie behind it."""
    if not name or not Path(name).is_file():
        return 0.0
    unpack(engine, Path(name).read_bytes())
    return float(Path(f"{name}.seconds").read_text())


def _full(folder: Path) -> tuple[np.ndarray, ...]:
    parts = []
    for name in ("mnist_train60k.npz", "mnist_test10k.npz"):
        with np.load(folder / name, allow_pickle=False) as arrays:
            parts += [images.to_pixels(arrays["x"])[:, None], arrays["y"]]
    return tuple(parts)


BENCHMARKS = {"digits": digits, "nanogpt": nanogpt, "best": best, "chars": chars, "drawing": drawing, "mnist": mnist}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=130.0)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=float, default=2.0, help="minutes between two rows of mnist")
    parser.add_argument("--keep", metavar="FILE", help="where mnist keeps its state, and goes on from")
    parser.add_argument("--pixels", type=int, default=784, help="whole passes made by drawing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for row in BENCHMARKS[args.name](args):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
