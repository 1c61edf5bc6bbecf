"""Three textbook fixes of mode collapse, each in its own setting, beside the plain game, its cheaper rivals and controls.

python -m benchmarks.gan_textbook [ROW …] [--first 300,500] [--seeds 10] [--out FILE]   train rows of engines/gan/textbook.py, all seeds
                                                                                      stacked, and keep what they reached in FILE
python -m benchmarks.gan_textbook --tables [FILE]                                      the tables and paired tests of what is kept

Seconds are those of the torch engine on one core for one run alone: the price of a step, measured in turns, times the steps. Two rows on
the same seeds are compared by an exact McNemar test of the seeds with 7 modes or more (or all 8 wide), and by the exact sign-flip test of
paired differences. No correction is made for several tests."""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gan_fixes import TURN, TURNS
from benchmarks.stacked import Stacked
from engines import metrics
from engines.config import from_dict, to_dict
from engines.gan.config import Config
from engines.gan.engine import GanEngine
from engines.gan.textbook import GROUPS, ROWS

OUT = Path(__file__).parents[1] / "assets" / "recordings" / "gan-fixes.json"
KEPT = (metrics.MODES_COVERED, metrics.WIDE_MODES, metrics.HQ_FRACTION, metrics.SHARE_KL, metrics.SLICED_W1)
CHECKS = 12  # looks at a run
HEAD = "| row | steps | ms a step | s a run | modes by seed | ≥ 7 of 8 (Wilson) | wide 8 | HQ | KL of shares | < 4 wide late |"
MANY = 7  # modes that count as found


def config(row: str, seed: int, **changes: Any) -> Config:
    return from_dict(Config, {**ROWS[row].settings, "seed": seed, **changes})


def price(row: str) -> float:
    """Seconds of one core for a step of a run alone: the fastest of some turns, since other work on the machine only adds."""
    engine, best = GanEngine(config(row, 0)), math.inf
    for turn in range(TURNS + 1):
        started = time.thread_time()
        for _ in range(TURN):
            engine.train_step()
        if turn:  # the first warms up
            best = min(best, (time.thread_time() - started) / TURN)
    return best


def train(row: str, seeds: list[int], **changes: Any) -> dict[str, Any]:
    """What each seed reached at its end, and how many modes were covered on the way: {"seeds", "steps", metric: one value a seed, …}."""
    stack = Stacked([config(row, seed, **changes) for seed in seeds])
    steps = stack.config.steps
    way: dict[str, list[list[int]]] = {metrics.MODES_COVERED: [], metrics.WIDE_MODES: []}
    for check in range(1, CHECKS + 1):
        while stack.step < steps * check // CHECKS:
            stack.train_step()
        lost = stack.hand_back()
        scores = [e.evaluate() for e in stack.engines]
        for name, seen in way.items():
            seen.append([int(s[name]) for s in scores])
    values = {name: [round(float(s[name]), 4) for s in scores] for name in KEPT}
    late = np.array(way[metrics.WIDE_MODES][2 * CHECKS // 3 - 1 :]).min(0)  # over the last third
    return {"seeds": seeds, "steps": steps, **values, "fewest_wide": late.tolist(), "lost": [x is not None for x in lost]}


def kept(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.exists() else {"rows": {}}


def keep(file: Path, row: str, found: dict[str, Any]) -> None:
    """Put one row into the recording, with the settings it was made with."""
    everything = kept(file)
    about = ROWS[row]
    settings = {k: v for k, v in to_dict(config(row, 0)).items() if k != "seed"}
    said = {"group": about.group, "role": about.role, "title": about.title, "shown": about.shown, "time": about.time}
    everything["rows"][row] = {**found, **said, "settings": settings}
    everything["rows"] = {key: everything["rows"][key] for key in ROWS if key in everything["rows"]}  # in their order
    everything |= {"command": "python -m benchmarks.gan_textbook", "n": metrics.N_EVALUATE, "engine": "torch, all seeds stacked"}
    everything["groups"] = {key: f"{title} ({paper})" for key, (title, paper) in GROUPS.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(everything, ensure_ascii=False, separators=(",", ":")) + "\n")


# Tables


def mcnemar(a: np.ndarray, b: np.ndarray) -> tuple[int, int, float]:
    """Of paired outcomes (n,) bool: how often only `b` holds, only `a`, and the exact two-sided p."""
    from scipy import stats  # comes with scikit-learn

    gained, lost = int((b & ~a).sum()), int((a & ~b).sum())
    return gained, lost, float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def sign_flip(differences: np.ndarray) -> float:
    """Exact two-sided p of paired differences (n,): how many choices of their signs have a mean as far from 0. n up to 20."""
    d = np.asarray(differences, float)
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return float((np.abs(sums) >= abs(d.sum()) * (1 - 1e-9)).mean())


def wilson(count: int, n: int) -> tuple[float, float]:
    from scipy import stats

    interval = stats.binomtest(count, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def chosen(row: dict[str, Any], seeds: list[int]) -> dict[str, np.ndarray]:
    """The values of some seeds of a row, in their order."""
    at = [row["seeds"].index(seed) for seed in seeds]
    return {name: np.array(row[name])[at] for name in (*KEPT, "fewest_wide")}


def line(key: str, row: dict[str, Any], seeds: list[int]) -> str:
    v = chosen(row, seeds)
    many, wide, n = int((v[KEPT[0]] >= MANY).sum()), int((v[KEPT[1]] == 8).sum()), len(seeds)
    lo, hi = (f"{100 * x:.0f}" for x in wilson(many, n))
    by_seed = " ".join(f"{x:.0f}" for x in v[KEPT[0]])
    seconds = row["price"] * row["steps"]
    return (
        f"| {ROWS[key].title} | {row['steps']:,} | {1e3 * row['price']:.1f} | {seconds:.1f} | {by_seed} | "
        f"{many} of {n} ({lo}–{hi} %) | {wide} | {v[KEPT[2]].mean():.2f} | {v[KEPT[3]].mean():.3f} | {int((v['fewest_wide'] < 4).sum())} |"
    )


def test_line(a: str, b: str, rows: dict[str, Any], seeds: list[int]) -> str:
    x, y = chosen(rows[a], seeds), chosen(rows[b], seeds)
    gained, lost, p = mcnemar(x[KEPT[0]] >= MANY, y[KEPT[0]] >= MANY)
    wide_gained, wide_lost, wide_p = mcnemar(x[KEPT[1]] == 8, y[KEPT[1]] == 8)
    d, kl = y[KEPT[0]] - x[KEPT[0]], y[KEPT[3]] - x[KEPT[3]]
    return (
        f"| {ROWS[a].title} → {ROWS[b].title} | {gained}:{lost}, p = {p:.2g} | {wide_gained}:{wide_lost}, p = {wide_p:.2g} | "
        f"{d.mean():+.1f}, p = {sign_flip(d):.2g} | {kl.mean():+.3f}, p = {sign_flip(kl):.2g} |"
    )


def tables(file: Path) -> None:
    rows = kept(file)["rows"]
    for group, (title, paper) in GROUPS.items():
        keys = [k for k in ROWS if k in rows and ROWS[k].group == group]
        if not keys:
            continue
        fix = next(k for k in keys if ROWS[k].role == "fix")
        blocks = [rows[fix]["seeds"][i : i + 10] for i in range(0, len(rows[fix]["seeds"]), 10)]
        for seeds in blocks:
            print(f"\n### {title} ({paper}), `{group}`, seeds {seeds[0]}–{seeds[-1]}\n")
            print(f"{HEAD}\n{'|---' * (HEAD.count('|') - 1)}|")
            for key in keys:
                if set(seeds) <= set(rows[key]["seeds"]):
                    print(line(key, rows[key], seeds))
            print("\n| paired by seed | ≥ 7 modes, McNemar | all 8 wide, McNemar | modes, sign flips | KL of shares, sign flips |")
            print("|---|---|---|---|---|")
            for key in keys:
                if key != fix and set(seeds) <= set(rows[key]["seeds"]):
                    print(test_line(key, fix, rows, seeds))


def main() -> None:
    parser = argparse.ArgumentParser(description="Three textbook fixes, each in its own setting.")
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; default all")
    parser.add_argument("--first", default="300,500", help="first seeds, a comma between")
    parser.add_argument("--seeds", type=int, default=10, help="seeds from each")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--tables", action="store_true", help="print what is kept, train nothing")
    args = parser.parse_args()
    if unknown := [k for k in args.rows if k not in ROWS]:
        parser.error(f"{unknown[0]} is not one of {', '.join(ROWS)}")
    if args.tables:
        return tables(args.out)
    import torch

    torch.set_num_threads(1)
    seeds = [first + i for first in map(int, args.first.split(",")) for i in range(args.seeds)]
    for row in args.rows or list(ROWS):
        found = {**train(row, seeds), "price": round(price(row), 6)}
        keep(args.out, row, found)
        print(json.dumps({"row": row, **{k: v for k, v in found.items() if k != "seeds"}}), flush=True)
    return None


if __name__ == "__main__":
    main()
