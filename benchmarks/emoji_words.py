"""How far a run that is told of emoji in words follows them: the colour and the place asked for, against chance.

    python -m benchmarks.emoji_words RUN          # a run folder of dataset=emoji text=true

One JSON line: shares of images whose dominant colour, or side of the ink, is the one asked for."""

import json
import sys

import numpy as np
import torch

from engines.data.emoji_captions import COLOURS, INK, colour
from engines.diffusion.presets import Request
from engines.runs import load_run

NOUNS, EACH, SEED = ("face", "heart", "hand", "house", "bird"), 8, 11
SIDES = {"left": (0, -1), "right": (0, 1), "top": (-1, 0), "bottom": (1, 0)}


def main(folder: str) -> None:
    torch.set_num_threads(1)
    _, engine, _ = load_run(folder)

    def drawn(caption: str) -> np.ndarray:
        (found,) = engine.sample(Request(caption=caption, n=EACH, seed=SEED))
        return found.views["samples"][0].pixels  # type: ignore[union-attr]

    hues = {name: np.concatenate([colour(drawn(f"a {name} {noun}")) == i for noun in NOUNS]) for i, name in enumerate(COLOURS)}
    at, sides = np.linspace(-1, 1, 32), []
    for place, (down, right) in SIDES.items():
        for noun in NOUNS:
            ink = ((1 - drawn(f"a {noun} at the {place}")).max(1) / 2 > INK).astype(float)
            mass = np.maximum(ink.sum((1, 2)), 1)
            sides.append(((ink.sum(2) * at).sum(1) * down + (ink.sum(1) * at).sum(1) * right) / mass > 0.1)
    row = {"colour followed": float(np.mean(list(hues.values()))), "chance": 1 / len(COLOURS), "place followed": float(np.mean(sides))}
    each = {name: float(np.mean(v)) for name, v in hues.items()}
    print(json.dumps(row | {"n": [len(COLOURS) * len(NOUNS) * EACH, len(SIDES) * len(NOUNS) * EACH], "seed": SEED, "by colour": each}))


if __name__ == "__main__":
    main(sys.argv[1])
