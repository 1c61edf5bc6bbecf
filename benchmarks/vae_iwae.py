"""The benchmark of Burda et al., 2016: one stochastic layer of 50 latents, two hidden layers of 200 tanh units each way, MNIST binarised
anew each time it is seen. log p(x) of the test images, bounded with 5,000 draws.

PLAYGROUND_DATA=DIR python -m benchmarks.vae_iwae --minutes 15 --threads 2
PLAYGROUND_DATA=DIR python -m benchmarks.vae_iwae --objective iwae --k 50      the tighter bound in the same time
PLAYGROUND_DATA=DIR python -m benchmarks.vae_iwae --steps 5000                 as many epochs as that one had
python -m benchmarks.vae_iwae --minutes 0.5 --draws 50 --test 200              a short look, on the bundled 10,000 images without DIR

Minutes are CPU time of the process divided by its threads: on a busy machine the same work, on a quiet one what the clock says. One JSON
object a line: the curve of the bound (IWAE-50 on 1,000 test images) against time, then the run, then the final bounds.
"""

import argparse
import json
import os
import time

import torch

from engines.state import Rng
from engines.train_judge import dataset
from engines.vae import engine as module
from engines.vae.bounds import ladder, log_weights
from engines.vae.presets import resolve

SETTINGS = dict(
    dataset="mnist", binarisation="dynamic", latent=50, width=200, depth=2, activation="tanh", batch=128, lr=2e-3, beta2=0.999,
    steps=200_000,
)  # fmt: skip
TEST_CHUNK = 50  # test images at a time
CURVE = 1.0  # minutes between two points of the curve


def train(engine: module.VaeEngine, seconds: float, steps: int, threads: int) -> float:
    """Train for so long, or so many steps; the decay of the rate is planned for the steps that will fit. Bounds taken on the way do not
    count. Returns the seconds."""
    spent, told = 0.0, 0.0
    engine.total = steps or engine.total
    while engine.step < steps if steps else spent < seconds:
        start = time.process_time()
        engine.train_step()
        spent += (time.process_time() - start) / threads
        if not steps and engine.step % 200 == 100:
            engine.total = max(engine.step + 1, int(engine.step * seconds / spent))
        if spent - told >= CURVE * 60:
            told = spent
            print(json.dumps({"minutes": round(spent / 60, 2), "steps": engine.step, **test(engine, 1_000, 50)}), flush=True)
    return spent


def test(engine: module.VaeEngine, n: int, draws: int) -> dict[str, float]:
    """Bounds on the mean log p(x) of the first n test images, in nats: of one draw, and of all."""
    generator = Rng(0, ("iwae",))["iwae"]
    x = engine.prepared(engine.data.test_pixels[:n], "test")
    one, many = [], []
    for part in x.split(TEST_CHUNK):
        log_w = log_weights(engine, part, None, draws, generator)
        one.append(ladder(log_w, 1))
        many.append(ladder(log_w, draws))
    return {"elbo": float(torch.cat(one).mean()), f"iwae-{draws}": float(torch.cat(many).mean()), "n": len(x)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--steps", type=int, default=0, help="so many instead of minutes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--objective", default="elbo", choices=("elbo", "iwae"))
    parser.add_argument("--k", type=int, default=5, help="draws of the objective iwae")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=5_000)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    data, about = dataset("mnist", os.environ.get("PLAYGROUND_DATA"))
    module.load = lambda key, own=None: data  # the full set in place of the bundled part of it
    engine = module.VaeEngine(resolve({**SETTINGS, "objective": args.objective, "k": args.k, "seed": args.seed}))
    spent = train(engine, 60 * args.minutes, args.steps, args.threads)
    print(
        json.dumps(
            {"data": about, "objective": args.objective, "seconds": round(spent, 1), "steps": engine.step, "batch": engine.config.batch}
        ),
        flush=True,
    )
    print(json.dumps(test(engine, args.test, args.draws)), flush=True)


if __name__ == "__main__":
    main()
