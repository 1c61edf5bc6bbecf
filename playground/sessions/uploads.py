"""A visitor's own data: points as JSON or CSV text, pictures as files, a text. Everything is limited before it is parsed."""

from __future__ import annotations

import asyncio
import math
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from engines.data.text import decoded
from playground.sessions.channel import Inbox, pack
from playground.sessions.limits import Refused
from playground.sessions.local import ROOT, environment
from playground.sessions.record import Own

CSV_BYTES, LINE_BYTES, ROWS, COLUMNS, LARGEST = 1_000_000, 4_000, 20_000, 8, 1e6
FEWEST = 10
DECODE_SECONDS = 30.0
_one_at_a_time = asyncio.Semaphore(1)


def points(value: Any) -> tuple[Own, str]:
    """[[x, y], ...] -> (n, 2) float32 and a sentence about them. Refused names what is wrong."""
    if not isinstance(value, list):
        raise Refused("points is not a list of pairs of numbers.", "points")
    if len(value) > ROWS:
        raise Refused(f"{len(value):,} points are too many, at most {ROWS:,}.", "points")
    pairs = [_pair(row, f"Point {i + 1}") for i, row in enumerate(value)]
    return _own(pairs)


def csv(text: bytes) -> tuple[Own, str]:
    """Comma, semicolon, tab or space separated numbers, the first two columns of each line; a first line of names is skipped."""
    if len(text) > CSV_BYTES:
        raise Refused(f"The file has {len(text):,} bytes, at most {CSV_BYTES:,}.", "points")
    lines = text.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    if len(lines) > ROWS + 1:
        raise Refused(f"The file has {len(lines):,} lines, at most {ROWS:,}.", "points")
    pairs: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cells = _cells(line, number)
        try:
            row = [float(cell) for cell in cells[:2]]
        except ValueError:
            if not pairs and number == 1:
                continue  # names of columns
            raise Refused(f"Line {number} does not start with two numbers.", "points") from None
        pairs.append(_pair(row, f"Line {number}"))
    return _own(pairs)


def text(value: Any) -> tuple[Own, dict[str, Any]]:
    """A pasted text, or the bytes of a file in UTF-8 -> (n,) uint8, and what is in it: "message", how many "characters", the "vocabulary"
    of different ones in the order of their code points. Refused names what is wrong."""
    if not isinstance(value, str | bytes):
        raise Refused("text is not a text.", "text")
    try:
        found = decoded(value if isinstance(value, bytes) else value.encode())
    except UnicodeEncodeError as error:
        raise Refused(f"text holds half of a character at place {error.start:,}, which no file can hold.", "text") from None
    except ValueError as error:
        raise Refused(f"{error}.", "text") from None
    raw, vocabulary = found.encode(), "".join(sorted(set(found)))
    message = f"{len(found):,} characters, {len(vocabulary):,} different"
    return Own("uint8", (len(raw),), raw), {"message": message, "characters": len(found), "vocabulary": vocabulary}


async def images(files: Sequence[tuple[str, bytes]]) -> tuple[Own, str]:
    """Pictures and zip archives -> (n, c, h, w) uint8, decoded in a process of its own that may use 1 GB and 30 s: a decoder that fails
    or is tricked takes nothing else with it."""
    request = pack({"files": [[name[:200], len(data)] for name, data in files]}, b"".join(data for _, data in files))
    async with _one_at_a_time:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "playground.sessions.decoder", env=environment(), cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            answer, _ = await asyncio.wait_for(process.communicate(request), DECODE_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise Refused("Reading these pictures took too long; send fewer or smaller ones.", "images") from None
    return _decoded(answer)


def _decoded(answer: bytes) -> tuple[Own, str]:
    try:
        header, raw = next(Inbox().feed(answer))
    except (StopIteration, ConnectionError, struct.error, ValueError):
        raise Refused("These pictures could not be read.", "images") from None
    if "error" in header:
        raise Refused(header["error"], "images")
    n, c, h, w = header["shape"]
    return Own("uint8", (n, c, h, w), raw), f"{n:,} pictures, {h}×{w}, {'grey' if c == 1 else 'colour'}"


def _cells(line: str, number: int) -> list[str]:
    if len(line) > LINE_BYTES:
        raise Refused(f"Line {number} is longer than {LINE_BYTES:,} characters.", "points")
    separator = next((s for s in ("\t", ";", ",") if s in line), None)
    cells = line.strip().split(separator)
    if len(cells) > COLUMNS:
        raise Refused(f"Line {number} has {len(cells)} columns, at most {COLUMNS}.", "points")
    return cells


def _pair(row: Any, where: str) -> tuple[float, float]:
    if not isinstance(row, list) or len(row) < 2 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in row[:2]):
        raise Refused(f"{where} is not a pair of numbers.", "points")
    if any(abs(v) > LARGEST or not math.isfinite(v) for v in row[:2]):
        raise Refused(f"{where} is not within ±{LARGEST:,.0f}.", "points")
    return float(row[0]), float(row[1])


def _own(pairs: list[tuple[float, float]]) -> tuple[Own, str]:
    if len(pairs) < FEWEST:
        raise Refused(f"{len(pairs)} points are too few, at least {FEWEST} are needed.", "points")
    array = np.asarray(pairs, np.float32)  # (n, 2)
    if float(array.std(0).max()) <= 1e-6 * max(1.0, float(np.abs(array).max())):
        raise Refused("All points are the same.", "points")
    return Own("float32", array.shape, array.tobytes()), f"{len(pairs):,} points"
