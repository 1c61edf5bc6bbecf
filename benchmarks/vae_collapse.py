"""Posterior collapse and its repair, over seeds: the preset "collapse" to its end, then a fork of the very same networks.

python -m benchmarks.vae_collapse [--seeds 5] [--steps N]
"""

import argparse
import json

import torch

from engines.config import from_dict, to_dict
from engines.metrics import ACTIVE_UNITS, TEST_KL, TEST_RECON
from engines.registry import FAMILIES
from engines.state import pack, unpack

FAMILY = FAMILIES["vae"]
REPAIR = {"mean_pixels": False}
SHOWN = (ACTIVE_UNITS, TEST_KL, TEST_RECON)


def one(seed: int, steps: int | None = None) -> dict:
    """Latents in use after the collapse and after as many steps of the fork."""
    settings = dict(FAMILY.presets["collapse"].settings) | {"seed": seed} | ({"steps": steps} if steps else {})
    ill = FAMILY.build(FAMILY.resolve(settings))
    run(ill, ill.config.steps)
    fork = FAMILY.build(from_dict(FAMILY.Config, to_dict(ill.config) | REPAIR | {"steps": 2 * ill.config.steps}))
    unpack(fork, pack(ill))
    run(fork, ill.config.steps)
    found = {"collapsed": ill.measure(), "repaired": fork.measure()}
    return {"seed": seed} | {name: {k: round(row[k], 3) for k in SHOWN} for name, row in found.items()}


def run(engine, steps: int) -> None:
    for _ in range(steps):
        engine.train_step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=None, help="of each half; default: as the preset says")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for seed in range(args.seeds):
        rows.append(one(seed, args.steps))
        print(json.dumps(rows[-1]), flush=True)
    latents = FAMILY.resolve(FAMILY.presets["collapse"].settings).latent
    collapsed = sum(r["collapsed"][ACTIVE_UNITS] == 0 for r in rows)
    repaired = sum(r["repaired"][ACTIVE_UNITS] >= latents / 2 for r in rows)
    print(json.dumps({"seeds": args.seeds, "latents": latents, "collapsed": collapsed, "repaired": repaired}))


if __name__ == "__main__":
    main()
