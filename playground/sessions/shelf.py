"""Finished runs that come with the project, so that a tab is alive at first sight: a run folder in assets/checkpoints with, beside run.json
and checkpoint.safetensors, the run's rows and some of its pictures in film.bin. `python -m benchmarks.pretrain` makes them.

film.bin: `u32 header length | JSON | padding to 8 | frames, each padded to 8`; the JSON holds "rows" and "frames" with step, offset and
length of each, the backdrop first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engines.config import from_dict, to_dict
from engines.core import Family
from engines.registry import FAMILIES
from engines.runs import CHECKPOINT, RUN
from playground.sessions import frames
from playground.sessions.record import Item, Record, Run

SHELF = Path(__file__).resolve().parents[2] / "assets" / "checkpoints"
FILM = "film.bin"


@dataclass(frozen=True)
class Kept:
    """A finished run: its knobs, its last state, and what a page shows of its past."""

    config: dict[str, Any]
    step: int
    checkpoint: bytes
    rows: tuple[tuple[int, bytes], ...]
    backdrop: bytes
    film: tuple[tuple[int, bytes], ...]


def names(family: Family) -> list[str]:
    """The presets of a family whose finished run is here."""
    return [key for key in family.presets if (folder(family, key) / FILM).is_file()]


def folder(family: Family, preset: str) -> Path:
    return SHELF / f"{family.key}-{preset}"


@cache
def kept(place: Path) -> Kept:
    """What lies in such a folder; the same files are read once."""
    run = json.loads((place / RUN).read_bytes())
    header, body = frames.unpack((place / FILM).read_bytes())
    pictures = [(f["s"], bytes(body[f["offset"] : f["offset"] + f["length"]])) for f in header["frames"]]
    rows = tuple((row["s"], frames.to_json(row)) for row in header["rows"])
    config = to_dict(from_dict(FAMILIES[run["family"]].Config, run["config"]))  # knobs that came later have their defaults
    return Kept(config, run["step"], (place / CHECKPOINT).read_bytes(), rows, pictures[0][1], tuple(pictures[1:]))


def put(record: Record, run: Run, found: Kept) -> None:
    """Make an empty run of a session what it would be, had it been trained there."""
    for step, row in found.rows:
        run.add_row(Item(record.next(), step, b'{"b":"%s",' % run.name.encode() + row[1:]))
    run.add_frame(Item(record.next(), 0, found.backdrop), backdrop=True)
    for step, picture in found.film:
        run.add_frame(Item(record.next(), step, picture), backdrop=False)
    run.checkpoints.add(Item(record.next(), found.step, found.checkpoint, found.config, pinned=True))
    run.step, run.state = found.step, "finished"
