"""What the GAN recipes reach, over several seeds, through the command line a visitor has: the figures of RESULTS.md.

[PLAYGROUND_ENGINE=fused] python -m benchmarks.gan_quality [ring8] [grid25] [collapse] [mnist-60s] [--first SEED] [--seeds N]
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from engines.__main__ import main as command_line
from engines.gan.config import PRESETS

JOBS = {
    "ring8": dict(dataset="ring8", seeds=range(100, 110)),
    "grid25": dict(dataset="grid25", seeds=range(100, 103)),
    "collapse": dict(preset="collapse", seeds=range(100, 110)),
    "fix-r3gan": dict(preset="fix-r3gan", seeds=range(100, 110)),
    "fix-gp": dict(preset="fix-gp", seeds=range(100, 110)),
    "mnist-30s": dict(dataset="mnist", seconds=30, seeds=range(3)),
    "mnist-60s": dict(dataset="mnist", seconds=60, seeds=range(3)),
}
SHOWN = ("modes_covered", "hq_fraction", "reverse_kl", "sliced_w1", "frechet_distance", "frechet_multiple", "classes_covered")


def one(job: dict, seed: int, out: Path) -> dict:
    """Train one seed through the command line and read its last evaluation back; on images with its multiple of the floor."""
    settings = dict(PRESETS[job["preset"]].settings) if "preset" in job else {"dataset": job["dataset"]}
    command = ["train", "gan", "--dataset", settings.pop("dataset"), "--seed", str(seed), "--out", str(out)]
    command += ["--seconds", str(job["seconds"])] if "seconds" in job else []
    for name, value in settings.items():
        text = str(value).lower() if value in (True, False) else str(value)
        command += ["--steps", text] if name == "steps" else ["--set", f"{name}={text}"]
    call(command)
    run = json.loads((out / "run.json").read_text())
    metrics = {k: v for k, v in run["history"][-1].items() if k in SHOWN}
    if "seconds" in job:
        result = call(["evaluate", str(out)])
        metrics = {k: v for k, v in result.items() if k in SHOWN}
        metrics["frechet_multiple"] = round(metrics["frechet_distance"] / result["floors"]["frechet_distance"], 2)
    return {"seed": seed, "step": run["step"], "seconds": run["seconds"], **metrics}


def call(command: list[str]) -> dict:
    """One command, in this process; its last line. RuntimeError if it failed."""
    lines = io.StringIO()
    with contextlib.redirect_stdout(lines):
        if command_line(command):
            raise RuntimeError(f"python -m engines {' '.join(command)} failed")
    return json.loads(lines.getvalue().strip().splitlines()[-1])


def summary(rows: list[dict]) -> dict:
    """Mean, 95 % half-width (Student's t over seeds) and range of every metric."""
    found = {}
    for key in rows[0]:
        values = np.array([row[key] for row in rows if row.get(key) is not None], float)
        if key != "seed" and len(values) > 1:
            half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
            spread = {"mean": values.mean(), "half": half, "min": values.min(), "max": values.max()}
            found[key] = {name: round(float(v), 4) for name, v in spread.items()}
    return {"seeds": len(rows), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description="What the GAN recipes reach over several seeds.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(JOBS)}; default all")
    parser.add_argument("--first", type=int, default=None, help="first seed")
    parser.add_argument("--seeds", type=int, default=None)
    args = parser.parse_args()
    if unknown := [n for n in args.names if n not in JOBS]:
        parser.error(f"{unknown[0]} is not one of {', '.join(JOBS)}")
    if os.environ.get("PLAYGROUND_ENGINE") == "fused":
        from engines.gan.fused import warm

        warm()  # compiling is not training
    for name in args.names or list(JOBS):
        usual, rows = JOBS[name]["seeds"], []
        first = usual[0] if args.first is None else args.first
        for seed in range(first, first + (args.seeds or len(usual))):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(one(JOBS[name], seed, Path(folder) / "run"))
            print(json.dumps({"job": name} | rows[-1]), flush=True)
        print(json.dumps({"job": name, "summary": summary(rows)}), flush=True)


if __name__ == "__main__":
    main()
