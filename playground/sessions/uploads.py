"""A visitor's own data: points as JSON or CSV text, pictures as files, a text. Everything is limited before it is parsed."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from engines.data import tables
from engines.data.text import decoded
from playground.sessions.channel import Inbox, pack
from playground.sessions.limits import Refused
from playground.sessions.local import ROOT, environment
from playground.sessions.record import Own

ROWS = 20_000
DECODE_SECONDS = 30.0
LONGEST_LINE = 8  # uploads of pictures that wait, each with its bytes in memory
NAMED = 6  # files left out that the sentence names
_one_at_a_time = asyncio.Semaphore(1)
_in_line = 0


def points(value: Any) -> tuple[Own, str, dict[str, Any]]:
    """[[x, y], ...] -> (n, 2) float64 and a sentence about them. Refused names what is wrong."""
    if not isinstance(value, list):
        raise Refused("points is not a list of pairs of numbers.", "points")
    if len(value) > ROWS:
        raise Refused(f"{len(value):,} points are too many, at most {ROWS:,}.", "points")
    pairs = [_pair(row, f"Point {i + 1}") for i, row in enumerate(value)]
    return *_own(pairs), f"{len(pairs):,} points", {}


def csv(raw: bytes) -> tuple[Own, str, dict[str, Any]]:
    """A table as text -> (n, 2) float64, a sentence about it, and what was understood: see `engines.data.tables`."""
    try:
        table = tables.read(raw)
    except ValueError as error:
        raise Refused(f"{error}.", "points") from None
    return *_own(table.points), table.sentence, table.about()


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


async def images(files: Sequence[tuple[str, bytes]]) -> tuple[Own, str, dict[str, Any]]:
    """Pictures and zip archives -> (n, c, h, w) uint8, decoded in a process of its own that may use 1 GB and 30 s: a decoder that fails
    or is tricked takes nothing else with it. The sentence names what was left out."""
    global _in_line
    if _in_line >= LONGEST_LINE:
        raise Refused("Too many pictures are being read just now.", "images", status=503, again=5)
    request = pack({"files": [[name[:200], len(data)] for name, data in files]}, b"".join(data for _, data in files))
    _in_line += 1
    try:
        async with _one_at_a_time:
            return _decoded(await _in_a_process(request))
    finally:
        _in_line -= 1


async def _in_a_process(request: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground.sessions.decoder", env=environment(), cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        answer, _ = await asyncio.wait_for(process.communicate(request), DECODE_SECONDS)
        return answer
    except TimeoutError:
        raise Refused("Reading these pictures took too long; send fewer or smaller ones.", "images") from None
    finally:
        if process.returncode is None:  # too slow, or nobody waits any longer
            process.kill()
            await process.wait()


def _decoded(answer: bytes) -> tuple[Own, str, dict[str, Any]]:
    try:
        header, raw = next(Inbox().feed(answer))
    except (StopIteration, ConnectionError, struct.error, ValueError):
        raise Refused("These pictures could not be read.", "images") from None
    if "error" in header:
        raise Refused(header["error"], "images")
    n, c, h, w = header["shape"]
    out = header["left_out"]
    more = f" and {len(out) - NAMED} more" if len(out) > NAMED else ""
    words = f"; left out: {'; '.join(out[:NAMED])}{more}" if out else ""
    sentence = f"{n:,} pictures, {h}×{w}, {'grey' if c == 1 else 'colour'}{words}"
    return Own("uint8", (n, c, h, w), raw), sentence, {"left_out": out}


def _pair(row: Any, where: str) -> tuple[float, float]:
    if not isinstance(row, list) or len(row) < 2 or any(isinstance(v, bool) or not isinstance(v, int | float) for v in row[:2]):
        raise Refused(f"{where} is not a pair of numbers.", "points")
    if any(not abs(v) <= tables.LARGEST for v in row[:2]):
        raise Refused(f"{where} is not within ±{tables.LARGEST:.0e}.", "points")
    return float(row[0]), float(row[1])


def _own(pairs: Any) -> tuple[Own]:
    """Points as they will be trained on, so that what does not fit is refused now."""
    array = np.asarray(pairs, np.float64).reshape(-1, 2)  # (n, 2)
    try:
        tables.fit(array)
    except ValueError as error:
        raise Refused(f"{str(error)[:1].upper()}{str(error)[1:]}.", "points") from None
    return (Own("float64", array.shape, array.tobytes()),)
