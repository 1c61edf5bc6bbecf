"""The finished runs that come with the project: trained with a preset's settings, kept with some pictures of their past.

python -m benchmarks.pretrain vae mnist sharp             # writes assets/checkpoints/vae-mnist/ and vae-sharp/
python -m benchmarks.pretrain --again vae mnist sharp     # trains nothing: floors and the last step are measured as they are today

The checkpoint leaves the optimiser's moments out, and raw weights where there are averaged ones: whoever trains on from it starts the
moments anew, from the average. run.json says which command made it."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from engines.loop import advance, first_look
from engines.registry import FAMILIES
from engines.runs import CHECKPOINT, RUN, load_run, save_run
from engines.state import pack, read_meta
from playground.sessions import frames
from playground.sessions.shelf import FILM, folder

PICTURES, FEWEST = 30, 12  # at most, at least
MOST_BYTES = 5_000_000  # of checkpoint and pictures together


def light(blob: bytes) -> bytes:
    """A checkpoint without optimisers and, where there are averaged weights, without the raw ones."""
    meta, tensors = {"meta": json.dumps(read_meta(blob))}, load(blob)
    left_out = ("opt", "net/") if any(name.startswith("ema/") for name in tensors) else ("opt",)
    return save({name: t for name, t in tensors.items() if not name.startswith(left_out)}, metadata=meta)


def train(family: Any, config: Any) -> tuple[Any, list[dict[str, Any]], list[tuple[int, bytes]], float]:
    """The engine at the end, all rows, and pictures, as many as there is room for, closer together early on, where more happens."""
    engine = family.build(config)
    every, evaluate_every = family.cadence(config)
    pictures, history, rows = [(0, frames.encode(engine.backdrop()))], [], []
    room = MOST_BYTES - len(light(pack(engine))) - len(pictures[0][1])
    count = min(PICTURES, room // (len(frames.encode(first_look(engine))) + 8))
    if count < FEWEST:
        raise SystemExit(f"beside a checkpoint of this size there is room for {max(0, count)} pictures, and {FEWEST} are needed")
    marks = {round(config.steps * (i / (count - 1)) ** 2 / every) * every for i in range(count)}

    def see(snapshot: Any) -> None:
        history.append({**snapshot.metrics, "step": snapshot.step})
        note = family.diagnose(history, config)
        rows.append({"s": snapshot.step, "m": snapshot.metrics} | ({"note": asdict(note)} if note else {}))
        if snapshot.step in marks or snapshot.step == config.steps:
            pictures.append((snapshot.step, frames.encode(snapshot)))

    see(first_look(engine))
    begun = time.thread_time()
    for snapshot in advance(engine, steps=config.steps, every=every, evaluate_every=evaluate_every):
        if snapshot is not None:
            see(snapshot)
    return engine, rows, pictures, time.thread_time() - begun


def measure_again(place: Path) -> dict[str, list[float | None]]:
    """Put the backdrop and the metrics of the last step into a finished run as they are measured today; its past and its weights stay.
    Returns what changed in the last row: [before, now]."""
    family, engine, _ = load_run(str(place))
    header, body = frames.unpack((place / FILM).read_bytes())
    pictures = [(f["s"], bytes(body[f["offset"] : f["offset"] + f["length"]])) for f in header["frames"]]
    rows, now = header["rows"], {k: float(f"{v:.7g}") for k, v in engine.evaluate().items()}
    before, last = dict(rows[-1]["m"]), rows[-1]
    last["m"] = before | now
    note = family.diagnose([{**row["m"], "step": row["s"]} for row in rows], engine.config)
    rows[-1] = {"s": last["s"], "m": last["m"]} | ({"note": asdict(note)} if note else {})
    (place / FILM).write_bytes(film(rows, [(0, frames.encode(engine.backdrop())), *pictures[1:]]))
    run = json.loads((place / RUN).read_bytes())
    run["history"] = [{"step": rows[-1]["s"], **rows[-1]["m"]}]
    (place / RUN).write_text(json.dumps(run, indent=1) + "\n")
    return {name: [before.get(name), v] for name, v in now.items() if before.get(name) != v}


def film(rows: list[dict[str, Any]], pictures: list[tuple[int, bytes]]) -> bytes:
    listed, chunks, offset = [], [], 0
    for step, picture in pictures:
        listed.append({"s": step, "offset": offset, "length": len(picture)})
        chunks.append(picture + bytes(frames.pad8(len(picture)) - len(picture)))
        offset += len(chunks[-1])
    return frames.pack({"rows": rows, "frames": listed}, b"".join(chunks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="measure floors and the last step anew, train nothing")
    parser.add_argument("family", choices=list(FAMILIES))
    parser.add_argument("presets", nargs="+")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    family = FAMILIES[arguments.family]
    for key in arguments.presets:
        if key not in family.presets:
            parser.error(f"{key} is not a preset of {family.key}: {', '.join(family.presets)}")
        if arguments.again:
            print(json.dumps({"run": folder(family, key).name, "changed": measure_again(folder(family, key))}), flush=True)
            continue
        engine, rows, pictures, seconds = train(family, family.resolve(family.presets[key].settings))
        place = folder(family, key)
        extra = {"cpu_seconds": round(seconds, 1), "command": f"python -m benchmarks.pretrain {family.key} {key}"}
        history = [{"step": row["s"], **row["m"]} for row in rows[-1:]]
        save_run(place, family, light(pack(engine)), history, extra)
        (place / FILM).write_bytes(film(rows, pictures))
        size = sum((place / name).stat().st_size for name in (FILM, CHECKPOINT))
        print(json.dumps({"run": place.name, "steps": engine.step, **extra, "megabytes": round(size / 1e6, 1)}), flush=True)


if __name__ == "__main__":
    main()
