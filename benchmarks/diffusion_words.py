"""What the finished run that is told words has learned: how often its images are of the class asked for, by guidance, and where its maps
of attention point.

    python -m benchmarks.diffusion_words [--run FOLDER] [--only classes|maps]

One JSON line for each guidance scale and kind of caption: the class is what the judge of MNIST sees in the digit, moved to the middle.
Then one for each word for a place, of ten digits times NOISES at the run's guidance, means and, of centres, standard deviations: the centre
of the word's map over its sum (x to the right, y down, half sides of the image from its middle), the part of the map that lies in the box
around the drawn ink and in the named third of the image, beside the part of the image that each of them is, and the same of the noun."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import torch

from engines.data.captions import NAMES, SIDE, normalised
from engines.diffusion import questions as q
from engines.diffusion.grounding import covered
from engines.diffusion.presets import Request
from engines.judge import judge
from engines.registry import FAMILIES
from engines.runs import load_run
from playground.sessions import shelf

CAPTIONS = ("a {}", "a large {}", "a small {} at the left")
SCALES, EACH, SEED = (1.5, 2.0, 3.0, 4.0, 6.0), 40, 11
NOISES = (200, 201, 202, 203, 204)
PLACES = {"left": "at the left", "right": "at the right", "top": "at the top", "bottom": "at the bottom", "middle": "in the middle"}
INK = 0.3  # of white, from which a pixel belongs to the digit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=str(shelf.folder(FAMILIES["diffusion"], "text")))
    parser.add_argument("--only", choices=("classes", "maps"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    _, engine, _ = load_run(arguments.run)
    if arguments.only != "classes":
        for word in PLACES:
            print(json.dumps(pointing(engine, word)), flush=True)
    if arguments.only != "maps":
        classes(engine)


# The class asked for


def classes(engine: Any) -> None:
    usual = engine.config.cfg_scale
    for scale in (usual, *(other for other in SCALES if other != usual)):
        engine.set(cfg_scale=scale)
        for caption in CAPTIONS:
            followed = []
            for label, name in enumerate(NAMES):
                (drawn,) = engine.sample(Request(caption=caption.format(name), n=EACH, seed=SEED))
                seen = judge("mnist").look(normalised(drawn.views["samples"][0].pixels))[1].argmax(1)
                followed.append(float((seen == label).mean()))
            by_class = dict(zip(NAMES, followed, strict=True))
            row = {
                "caption": caption,
                "guidance": scale,
                "followed": round(float(np.mean(followed)), 4),
                "n": EACH * len(NAMES),
                "seed": SEED,
            }
            print(json.dumps(row | {"by_class": by_class}), flush=True)
    engine.set(cfg_scale=usual)


# Where its maps point


def pointing(engine: Any, word: str) -> dict[str, Any]:
    """The figures of one word for a place, in captions with nothing else than a digit."""
    found = [looked_up(engine, noun, word, seed) for noun in NAMES for seed in NOISES]
    rows = np.array([row for row in found if row is not None])
    values = dict(zip(FIGURES, rows.mean(0).round(3).tolist(), strict=True))
    spread = {f"sd_{name}": round(float(rows[:, FIGURES.index(name)].std()), 3) for name in ("x", "y")}
    right = {"on_its_side": side_right(rows, word)} if word != "middle" else {}
    return (
        {"word": word} | values | spread | right | {"n": len(rows), "of": len(found), "guidance": engine.config.cfg_scale, "seeds": NOISES}
    )


FIGURES = ("x", "y", "in_box", "in_third", "noun_x", "noun_y", "noun_in_box", "box", "third")  # in the order of `looked_up`


def looked_up(engine: Any, noun: str, word: str, seed: int) -> tuple[float, ...] | None:
    """FIGURES of one image; None where no ink was drawn."""
    *_, last = engine.answer(q.Attention(caption=f"a {noun} {PLACES[word]}", n=1, seed=seed))
    maps = {heat.name: heat.values[::-1] / heat.values.sum() for heat in last.views["words"]}  # row 0 at the top
    box = box_of(last.views["image"][0].pixels[0, 0], maps[word].shape)
    if box is None:
        return None
    there = third(word, maps[word].shape)
    ours, nouns = maps[word], maps[noun]
    inside = ((ours * box).sum(), (ours * there).sum())
    return (*centre(ours), *inside, *centre(nouns), (nouns * box).sum(), box.mean(), there.mean())


def centre(weights: np.ndarray) -> tuple[float, float]:
    """x, y of weights (h, w) that sum to 1, from −1 to 1 at the edges of the image."""
    y, x = (np.linspace(-1, 1, 2 * k + 1)[1::2] for k in weights.shape)
    return float(weights.sum(0) @ x), float(weights.sum(1) @ y)


def box_of(image: np.ndarray, cells: tuple[int, ...]) -> np.ndarray | None:
    """The part of every cell that the box around the ink of an image (h, w) in [−1, 1] covers; None without ink."""
    ink = (image + 1) / 2 > INK
    if not ink.any():
        return None
    lines = [np.flatnonzero(ink.any(axis)) for axis in (1, 0)]
    box = np.zeros(image.shape)
    box[lines[0][0] : lines[0][-1] + 1, lines[1][0] : lines[1][-1] + 1] = 1
    h, w = (side // count for side, count in zip(image.shape, cells, strict=True))
    return box.reshape(cells[0], h, cells[1], w).mean((1, 3))


def third(word: str, cells: tuple[int, ...]) -> np.ndarray:
    """The part of every cell that belongs to the third of the image that a word names; of "middle" the middle ninth."""
    begin = {"left": 0, "top": 0, "middle": 1, "right": 2, "bottom": 2}[word] * SIDE / 3
    square = covered(np.array([[begin, begin, SIDE / 3]]), (cells[0], cells[1]), (SIDE, SIDE)).reshape(cells)
    rows, columns = (square.max(axis, keepdims=True) for axis in (1, 0))
    if word == "middle":
        return square
    return (rows if word in ("top", "bottom") else columns) * np.ones(cells)


def side_right(rows: np.ndarray, word: str) -> float:
    """The part of the maps whose centre lies on the side that the word names."""
    axis, sign = {"left": (0, -1), "right": (0, 1), "top": (1, -1), "bottom": (1, 1)}[word]
    return float((rows[:, axis] * sign > 0).mean())


if __name__ == "__main__":
    main()
