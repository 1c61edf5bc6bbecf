"""What goes from one family to another on the command line, as files: neither knows of the other.

python -m engines train vae --dataset mnist --set objective=vq-vae --set network=conv --out runs/vq
python -m engines codes runs/vq --out codes.npz
python -m engines train autoregressive --dataset own-codes --data codes.npz --out runs/prior
python -m engines sample runs/prior --n 64 --out drawn.npz
python -m engines decode runs/vq --codes drawn.npz --out images.npz"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import Points
from engines.runs import load_run, read_codes


def add_commands(commands: Any) -> None:
    """`codes` and `decode`, beside the others of `engines.__main__`. They return the line to print."""
    p = commands.add_parser("codes", help="the codes that a VQ-VAE gives the data it was trained on")
    p.add_argument("folder", metavar="RUN")
    p.add_argument("--out", default="codes.npz")
    p.set_defaults(hand_over=codes)

    p = commands.add_parser("decode", help="what a VQ-VAE makes of codes, such as a prior over them drew")
    p.add_argument("folder", metavar="RUN")
    p.add_argument("--codes", required=True, metavar="FILE", help="an npz with an array codes")
    p.add_argument("--out", default="images.npz")
    p.set_defaults(hand_over=decode)


def codes(args: argparse.Namespace) -> dict[str, Any]:
    """Arrays "codes" (n, rows, columns), in the order of the data, and "codebook" (K, numbers per code). The line tells how many codes are
    used, and what a grid costs in nats if all K are as likely, and if each place has its own shares: what a prior has to beat."""
    engine = _quantised(args.folder)
    found = engine.to_codes()
    count = len(engine.codebook.codes)
    with open(args.out, "wb") as file:
        np.savez(file, codes=found, codebook=engine.codebook.codes.detach().cpu().numpy())
    return {
        "codes": args.out,
        "shape": list(found.shape),
        "K": count,
        "used": len(np.unique(found)),
        "nats_uniform": found[0].size * math.log(count),
        "nats_independent": independent(found, count),
    }


def independent(found: np.ndarray, count: int) -> float:
    """Entropy in nats of grids (n, rows, columns) whose codes are drawn one by one, each as often as it comes at its place."""
    shares = np.stack([np.bincount(place, minlength=count) for place in found.reshape(len(found), -1).T]) / len(found)
    return float(-(shares * np.log(np.where(shares > 0, shares, 1))).sum())


def decode(args: argparse.Namespace) -> dict[str, Any]:
    """Array "x", in data units."""
    view = _quantised(args.folder).from_codes(read_codes(Path(args.codes)))
    x = view.xy if isinstance(view, Points) else view.pixels
    with open(args.out, "wb") as file:
        np.savez(file, x=x)
    return {"samples": args.out, "shape": list(x.shape)}


def _quantised(folder: str) -> Any:
    family, engine, _ = load_run(folder)
    if not hasattr(engine, "to_codes"):
        raise ValueError(f"{folder} is a run of {family.key}, which has no codes; a VQ-VAE has: vae with objective=vq-vae")
    return engine
