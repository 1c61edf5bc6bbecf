"""The compiled twin of the GAN engine against the torch one, the same step in the same process: microseconds of CPU time per step.

python -m benchmarks.fused_vs_torch [width ...]

One JSON line per case. The two take turns, and the fastest of several rounds counts for each: other work on the machine only adds."""

import json
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch

from engines.gan.config import resolve
from engines.gan.engine import GanEngine
from engines.gan.fused import FusedGan, warm

WIDTHS, BATCHES, ROUNDS = (8, 32, 64, 128), (32, 256), 4
CASES = {
    "non-saturating": dict(objective="non-saturating", fourier=0),
    "r3gan, R1 and R2, Fourier 15": dict(objective="r3gan", r1=0.1, r2=0.1, fourier=15),
}


def microseconds(train, steps: int) -> float:
    """CPU time of one step."""
    start = time.process_time()
    train(steps)
    return 1e6 * (time.process_time() - start) / steps


def compare(case: str, width: int, batch: int) -> dict:
    settings = dict(CASES[case], width_g=width, width_d=width, batch=batch, depth_g=2, depth_d=2, steps=200_000)
    slow, fast = GanEngine(resolve(settings)), FusedGan(resolve(settings))

    def eager(steps: int) -> None:
        for _ in range(steps):
            slow.train_step()

    eager(10)
    steps = max(50, min(4_000, int(0.15e6 / microseconds(fast.train_steps, 20))))  # 0.15 s
    pairs = [(microseconds(eager, 60), microseconds(fast.train_steps, steps)) for _ in range(ROUNDS)]
    torch_us, fused_us = (min(column) for column in zip(*pairs, strict=True))
    return {
        "case": case, "width": width, "batch": batch, "torch_us": round(torch_us), "fused_us": round(fused_us, 1),
        "ratio": round(torch_us / fused_us, 1),
    }  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)
    start = time.process_time()
    warm()
    from engines.nn.kernels.target import MODE

    print(json.dumps({"kernel": MODE, "warm_seconds": round(time.process_time() - start, 2)}), flush=True)
    for case in CASES:
        for width in [int(text) for text in sys.argv[1:]] or WIDTHS:
            for batch in BATCHES:
                print(json.dumps(compare(case, width, batch)), flush=True)


if __name__ == "__main__":
    main()
