"""What the GAN recipes reach, over several seeds, from the command line a visitor has: the figures of RESULTS.md.

python -m benchmarks.gan_quality [ring8] [grid25] [collapse] [mnist]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

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
    """Train one seed through the command line and read its evaluation back."""
    settings = dict(PRESETS[job["preset"]].settings) if "preset" in job else {"dataset": job["dataset"]}
    dataset = settings.pop("dataset")
    command = [sys.executable, "-m", "engines", "train", "gan", "--dataset", dataset, "--seed", str(seed), "--out", str(out)]
    command += ["--seconds", str(job["seconds"])] if "seconds" in job else []
    for name, value in settings.items():
        command += (
            ["--steps", str(value)] if name == "steps" else ["--set", f"{name}={str(value).lower() if value in (True, False) else value}"]
        )
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    answer = subprocess.run([sys.executable, "-m", "engines", "evaluate", str(out)], check=True, capture_output=True, text=True).stdout
    result = json.loads(answer.strip().splitlines()[-1])
    metrics = {k: v for k, v in result.items() if k in SHOWN}
    if "frechet_distance" in metrics:
        metrics["frechet_multiple"] = round(metrics["frechet_distance"] / result["floors"]["frechet_distance"], 2)
    run = json.loads((out / "run.json").read_text())
    return {"seed": seed, "step": run["step"], "seconds": run["seconds"], **metrics}


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
    for name in sys.argv[1:] or list(JOBS):
        rows = []
        for seed in JOBS[name]["seeds"]:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(one(JOBS[name], seed, Path(folder) / "run"))
            print(json.dumps({"job": name} | rows[-1]), flush=True)
        print(json.dumps({"job": name, "summary": summary(rows)}), flush=True)


if __name__ == "__main__":
    main()
