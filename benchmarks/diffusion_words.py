"""What the finished run that is told words has learned: how often its images are of the class asked for, by guidance.

    python -m benchmarks.diffusion_words

One JSON line for each guidance scale and kind of caption; the class is what the judge of MNIST sees in the digit, moved to the middle."""

from __future__ import annotations

import json

import numpy as np
import torch

from engines.data.captions import NAMES, normalised
from engines.diffusion.presets import Request
from engines.judge import judge
from engines.registry import FAMILIES
from engines.runs import load_run
from playground.sessions import shelf

CAPTIONS = ("a {}", "a large {}", "a small {} at the left")
EACH, SEED = 40, 11


def main() -> None:
    torch.set_num_threads(1)
    _, engine, _ = load_run(str(shelf.folder(FAMILIES["diffusion"], "text")))
    for scale in (1.5, 2.0, 3.0, 4.0, 6.0):
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


if __name__ == "__main__":
    main()
