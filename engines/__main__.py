"""The command line. Results are JSON, one object a line, on standard output; a mistake is one sentence on standard error, exit 2.

    python -m engines list
    python -m engines train gan --dataset ring8 --seconds 30 --seed 7 --set lr_g=1e-3 --out runs/a
    python -m engines sample runs/a --n 1000 --seed 0 --out samples.npz
    python -m engines evaluate runs/a
    python -m engines codes runs/vq --out codes.npz      (and decode: see engines.handover)
    python -m engines export runs/b --to transformers --out gpt2
    python -m engines import gpt2 --out runs/c

A run folder holds run.json (family, config, seed, versions, history) and checkpoint.safetensors."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from engines.config import from_dict, knobs, parse
from engines.core import Diverged, Engine, Points, drawn, written
from engines.data import DATASETS
from engines.handover import add_commands
from engines.registry import FAMILIES
from engines.runs import device, family_of, keep_data, load_run, new_folder, own_data, plain, save_run

LINES = 50  # printed by one training run
LONGEST = 86_400.0  # seconds
SAVE_SECONDS = 30.0  # of a run that a power cut can take, at most, beside the time between two rows


class Parser(argparse.ArgumentParser):
    """argparse, with one sentence in place of a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def main(argv: list[str] | None = None) -> int:
    os.environ.setdefault("PLAYGROUND_ENGINE", "torch")  # same seed, same run, whatever is compiled here
    try:
        args = parser().parse_args(argv)
        if (hand_over := getattr(args, "hand_over", None)) is not None:
            emit(hand_over(args))
            return 0
        return args.run(args)
    except (ValueError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    except Diverged as error:
        print(f"Training diverged: {error}; the checkpoint holds the last healthy state.", file=sys.stderr)
        return 1


def parser() -> Parser:
    top = Parser(prog="python -m engines", description="Train, sample and evaluate small generative models.")
    commands = top.add_subparsers(dest="command", required=True, metavar="list|train|sample|evaluate|export|import|codes|decode")
    p = commands.add_parser("list", help="what there is")
    p.set_defaults(run=run_list)

    p = commands.add_parser("train", help="train a model into a new run folder")
    p.add_argument("family")
    p.add_argument("--dataset", required=True)
    length = p.add_mutually_exclusive_group()
    length.add_argument("--steps", help="default: as recommended for the data set")
    length.add_argument("--seconds", help="of training on one core, evaluation not counted")
    p.add_argument("--seed", default=None)
    p.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    p.add_argument("--device", default="cpu")
    p.add_argument("--data", metavar="FILE", help="for dataset=own-text a text, for own-codes an npz with an array codes")
    _out(p, "RUN")
    p.set_defaults(run=run_train)

    p = commands.add_parser("sample", help="draw from a trained model, in data units")
    p.add_argument("folder", metavar="RUN")
    p.add_argument("--n", default=None)
    p.add_argument("--seed", default=None)
    p.add_argument("--set", action="append", default=[], metavar="KNOB=VALUE")
    p.add_argument("--out", default="samples.npz")
    p.set_defaults(run=run_sample)

    p = commands.add_parser("evaluate", help="measure a trained model, beside what real data score")
    p.add_argument("folder", metavar="RUN")
    p.set_defaults(run=run_evaluate)
    add_commands(commands)

    p = commands.add_parser("export", help="write a trained model as a folder that from_pretrained opens")
    p.add_argument("folder", metavar="RUN")
    p.add_argument("--to", required=True, metavar="diffusers|transformers")
    _out(p, "DIR")
    p.set_defaults(run=run_export)

    p = commands.add_parser("import", help="make a run folder of such a folder")
    p.add_argument("folder", metavar="DIR")
    p.add_argument("--dataset", help="the text that a model which was not exported from here is to be a model of")
    p.add_argument("--data", metavar="FILE", help="the text itself, of own-text")
    _out(p, "RUN")
    p.set_defaults(run=run_import)
    return top


def _out(p: argparse.ArgumentParser, kind: str) -> None:
    """Where a folder goes that must not be there yet."""
    p.add_argument("--out", required=True, metavar=kind)
    p.add_argument("--overwrite", action="store_true", help="write over a run or a model that lies there")


def run_list(args: argparse.Namespace) -> int:
    for family in FAMILIES.values():
        known = knobs(family.Config)
        settings = {name: _knob_line(k) for name, k in known.items()}
        presets = {key: {"title": p.title, "settings": dict(p.settings)} for key, p in family.presets.items()}
        datasets = [key for key in DATASETS if key in (known["dataset"].choices or {})]
        emit({"family": family.key, "title": family.title, "datasets": datasets, "knobs": settings, "presets": presets})
    return 0


def run_train(args: argparse.Namespace) -> int:
    family = family_of(args.family)
    config = family.resolve(_settings(family.Config, args))
    data = own_data(config.dataset, args.data)
    seconds = _seconds(args.seconds)
    folder = new_folder(args.out, args.overwrite)
    engine = family.build(config, device=device(args.device), data=data)
    keep_data(folder, data)

    from engines.state import pack  # torch is loaded by now

    history: list[dict[str, Any]] = []
    stopwatch, started = Stopwatch(engine), time.perf_counter()
    healthy, saved = pack(engine), started

    def save() -> None:
        save_run(folder, family, healthy, history, {"seconds": stopwatch.seconds, "wall_seconds": time.perf_counter() - started})

    before = signal.signal(signal.SIGTERM, _ended)
    try:
        for row, blob in rows(engine, stopwatch, seconds):
            healthy = blob
            history.append(emit(row))
            if time.perf_counter() - saved > SAVE_SECONDS:
                save()
                saved = time.perf_counter()
    except KeyboardInterrupt as stopped:
        print(f"Stopped; {folder} holds step {history[-1]['step'] if history else 0:,}.", file=sys.stderr)
        return 128 + int(stopped.args[0] if stopped.args else signal.SIGINT)
    finally:
        save()
        signal.signal(signal.SIGTERM, before)
    emit({"run": str(folder), "steps": engine.step, "seconds": round(stopwatch.seconds, 3)})
    return 0


def _ended(number: int, frame: Any) -> NoReturn:
    """A polite end from outside is taken like Ctrl-C."""
    raise KeyboardInterrupt(number)


def rows(engine: Engine, stopwatch: Stopwatch, seconds: float | None):
    """Train; yield (row, packed engine) about LINES times, the last time at the end. Diverged passes through.

    With a budget in seconds, the decay of the learning rates is planned for the number of steps that will fit."""
    from engines.loop import advance, first_look
    from engines.state import pack

    planned = engine.total
    every = max(1, planned // LINES)
    while True:  # once, unless seconds are left when the planned steps are done
        stopwatch.start()
        for snapshot in advance(engine, steps=planned, every=every):
            stopwatch.stop()
            spent = stopwatch.seconds
            if snapshot is not None:
                yield {"step": snapshot.step, "seconds": round(spent, 3), **snapshot.metrics}, pack(engine)
                if seconds and spent > 0.02 * seconds:
                    engine.total = max(engine.step + 1, int(engine.step * seconds / spent))
            if seconds and spent >= seconds:
                if snapshot is None:
                    yield {"step": engine.step, "seconds": round(spent, 3), **first_look(engine).metrics}, pack(engine)
                return
            stopwatch.start()
        stopwatch.stop()
        if not seconds:
            return


class Stopwatch:
    """Seconds spent training: CPU time of this thread (with a GPU, wall time), without looking and evaluating."""

    def __init__(self, engine: Any):
        self.seconds = 0.0
        self._since: float | None = None  # on the clock, while it runs
        self._clock = time.thread_time if engine.device.type == "cpu" else time.perf_counter
        for name in ("look", "measure", "evaluate", "health"):
            if hasattr(engine, name):
                setattr(engine, name, self._outside(getattr(engine, name)))

    def start(self) -> None:
        self._since = self._clock()

    def stop(self) -> None:
        if self._since is not None:
            self.seconds += self._clock() - self._since
        self._since = None

    def _outside(self, f: Callable[[], Any]) -> Callable[[], Any]:
        def timed() -> Any:
            running = self._since is not None
            self.stop()
            result = f()
            if running:
                self.start()
            return result

        return timed


def run_sample(args: argparse.Namespace) -> int:
    import numpy as np

    suffix = Path(args.out).suffix.lower()
    if suffix not in ("", ".npz", ".txt"):
        raise ValueError(f"--out {args.out} ends in {suffix}; arrays go into .npz, texts into .npz or .txt")
    family, engine, _ = load_run(args.folder)
    settings = dict(parse(family.Request, text) for text in args.set)
    for name in ("n", "seed"):
        if (raw := getattr(args, name)) is not None:
            settings |= dict([parse(family.Request, f"{name}={raw}")])
    request = from_dict(family.Request, settings)
    *_, last = engine.sample(request)
    texts = written(last)
    arrays: dict[str, Any] = {"text": np.array(texts)} if texts else _drawn(last, engine)
    if suffix == ".txt":
        if not texts:
            raise ValueError(f"--out {args.out}: what this run draws is no text; give a name that ends in .npz")
        Path(args.out).write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    else:
        with open(args.out, "wb") as file:
            np.savez(file, **arrays)
    emit({"samples": args.out, "shape": list(next(iter(arrays.values())).shape), "step": engine.step, **asdict(request)})
    return 0


def _drawn(last: Any, engine: Any) -> dict[str, Any]:
    """Points or images as "x", their classes as "labels" if they have any; grids of codes as "codes"."""
    view = drawn(last)
    if (codes := engine.codes(view) if hasattr(engine, "codes") else None) is not None:
        return {"codes": codes}
    return {"x": view.xy if isinstance(view, Points) else view.pixels} | ({} if view.label is None else {"labels": view.label})


def run_evaluate(args: argparse.Namespace) -> int:
    family, engine, run = load_run(args.folder)
    metrics, floors = dict(engine.evaluate()), dict(engine.backdrop().metrics)
    if (audit := getattr(engine, "audit", None)) is not None:  # what a family measures only when asked
        slow, real = audit()
        metrics, floors = metrics | slow, floors | real
    emit({"run": args.folder, "family": family.key, "dataset": engine.config.dataset, "step": engine.step, **metrics, "floors": floors})
    return 0


def run_export(args: argparse.Namespace) -> int:
    from engines.exchange import converter, export

    family, engine, _ = load_run(args.folder)
    converter(family, args.to)  # refused before a folder is made
    folder = new_folder(args.out, args.overwrite)
    files = export(family, engine, args.to, folder)
    emit({"exported": str(folder), "format": args.to, "family": family.key, "step": engine.step, "files": files})
    return 0


def run_import(args: argparse.Namespace) -> int:
    from engines.exchange import load

    source = Path(args.folder)
    if not source.is_dir():
        raise ValueError(f"{args.folder} is not a folder")
    family, engine, found, data = load(source, args.dataset, args.data)
    folder = new_folder(args.out, args.overwrite)
    keep_data(folder, data)

    from engines.state import pack

    save_run(folder, family, pack(engine), [], {"imported": found})
    emit({"run": str(folder), "format": found, "family": family.key, "dataset": engine.config.dataset, "step": engine.step})
    return 0


def emit(row: Mapping[str, Any]) -> dict[str, Any]:
    """Print one JSON object; the plain values it holds come back."""
    values = plain(row)
    print(json.dumps(values, allow_nan=False, ensure_ascii=False), flush=True)
    return values


def _settings(cls: type, args: argparse.Namespace) -> dict[str, Any]:
    """Overrides from the command line, checked one by one."""
    settings = dict(parse(cls, text) for text in args.set)
    for name in ("dataset", "seed", "steps"):
        if (raw := getattr(args, name)) is not None:
            settings |= dict([parse(cls, f"{name}={raw}")])
    return settings


def _seconds(raw: str | None) -> float | None:
    if raw is None:
        return None
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not 0 < value <= LONGEST:
        raise ValueError(f"seconds={raw} is outside (0, {LONGEST:,.0f}]")
    return value


def _knob_line(k: Any) -> dict[str, Any]:
    shown = {"title": k.title, "default": k.default, "unit": k.unit, "help": k.help}
    return shown | ({"choices": list(k.choices)} if k.choices else {} if k.type is bool else {"lo": k.lo, "hi": k.hi})


if __name__ == "__main__":
    sys.exit(main())
