"""Where z is drawn from, in figures: MNIST VAEs trained for so many CPU seconds, and the Frechet distance of 1,000 samples with z from
N(0, I), from a mixture fitted afterwards, and from a learned flow, in multiples of the distance of real training images. Classes of the two
fitted priors are as many as in the training set, rounded; those of the real images are as they come. JSON lines.

python -m benchmarks.vae_priors [--preset mixture] [--seconds 6 21] [--latent 16 24] [--seeds 0 1 2] [--priors normal mixture flow]
"""

import argparse
import json
import time

import torch

from engines.__main__ import Stopwatch, rows
from engines.registry import FAMILIES
from engines.vae.presets import PRIORS
from engines.vae.questions import Prior

FAMILY = FAMILIES["vae"]
SHOWN = ("frechet_multiple", "frechet_distance", "confidence", "class_balance", "sharpness")


def trained(preset: str, seconds: float, **settings):
    """A run of a preset after so many CPU seconds, its rate falling to the end of them."""
    engine = FAMILY.build(FAMILY.resolve(dict(FAMILY.presets[preset].settings) | settings))
    for _ in rows(engine, Stopwatch(engine), seconds):
        pass
    return engine


def asked(engine, prior: str) -> dict:
    """What an answer says of one prior, and the CPU seconds it took."""
    began = time.process_time()
    *_, answer = engine.answer(Prior(prior=prior))
    return {"answer_seconds": round(time.process_time() - began, 2)} | {k: round(answer.metrics[k], 3) for k in SHOWN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=("mixture", "sharp"), default="mixture")
    parser.add_argument("--seconds", type=float, nargs="+", default=[6, 21])
    parser.add_argument("--latent", type=int, nargs="+", default=[16, 24])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--priors", nargs="+", choices=PRIORS, default=list(PRIORS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    for latent in args.latent:
        for seconds in args.seconds:
            for seed in args.seeds:
                engine = trained(args.preset, seconds, latent=latent, seed=seed)
                about = {"preset": args.preset, "latent": latent, "seconds": seconds, "seed": seed, "steps": engine.step}
                for prior in args.priors:
                    print(json.dumps(about | {"prior": prior} | asked(engine, prior)), flush=True)


if __name__ == "__main__":
    main()
