"""Points out of a text table, as programs and people write them: comma, semicolon, tab, bar or space between columns, decimal points or
commas, quotes, comments, names, an index. What can be read in two ways is refused by its line. No torch here."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

BYTES, LINE, ROWS, COLUMNS = 1_000_000, 4_000, 20_000, 64
SHOWN = 5  # rows of the preview
FEWEST, LARGEST, SMALLEST = 10, 1e12, 1e-12  # of one's own points: how many, coordinates, spread
CLOSE = 50 * float(np.finfo(np.float32).eps)  # spread over size: closer points fall on one in single precision
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "space"}
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NAMES = ("nan", "na", "n/a", "null", "none", "inf", "+inf", "-inf", "infinity", "-infinity", "")  # written where a number is missing
GROUPED = re.compile(r"(?<=\d)[ \u00a0\u2007\u2009\u202f'’](?=\d{3}(?!\d))")  # spaces and apostrophes between thousands


@dataclass(frozen=True)
class Table:
    """`points` (n, 2) float64 of two `columns`; what was left out, and why; how the text was read."""

    points: np.ndarray
    columns: tuple[str, str]
    left_out: tuple[str, ...]
    lines: int
    separator: str
    decimal: str
    encoding: str

    @property
    def sentence(self) -> str:
        x, y = self.columns
        comma = ", decimal commas" if self.decimal == "," else ""
        out = f"; left out: {', '.join(self.left_out[:6])}" if self.left_out else ""
        return f"{self.lines:,} points from {self.lines:,} lines, {x} and {y} ({self.separator} between columns{comma}){out}"

    def about(self) -> dict[str, Any]:
        """What was understood, for JSON."""
        return {
            "columns": list(self.columns), "left_out": list(self.left_out), "lines": self.lines, "separator": self.separator,
            "decimal": self.decimal, "encoding": self.encoding, "preview": self.points[:SHOWN].tolist(),
        }  # fmt: skip


def read(raw: bytes) -> Table:
    """ValueError names the line and what is wrong with it."""
    if len(raw) > BYTES:
        raise ValueError(f"The file has {len(raw):,} bytes, at most {BYTES:,}")
    text, encoding = _text(raw)
    told, lines = _lines(text)
    separator, decimal, rows = _split(lines, told)
    header = rows.pop(0)[1] if rows and _is_header(rows[0][1], decimal) else None
    if not rows:
        raise ValueError("The file holds no line of numbers")
    names, shift = _names(header, rows)
    kinds = [_kind([row[i] if i < len(row) else "" for _, row in rows], decimal) for i in range(len(names))]
    index = _index(header, names, kinds, rows, shift)
    left = [_why(names[i], kinds[i], i in index) for i in range(len(names)) if kinds[i] != "empty" and (kinds[i] != "number" or i in index)]
    chosen = _chosen(names, [i for i, kind in enumerate(kinds) if kind == "number" and i not in index])
    if chosen is None:
        raise ValueError(_too_few(rows, kinds, decimal))
    left += [names[i] for i, kind in enumerate(kinds) if kind == "number" and i not in index and i not in chosen]
    points = np.array([[_cell(number, row, i, decimal) for i in chosen] for number, row in rows])
    x, y = (names[i] for i in chosen)
    return Table(points, (x, y), tuple(left), len(rows), SEPARATORS[separator], decimal, encoding)


def fit(points: Any) -> np.ndarray:
    """Points (n, 2) that can be learned from, float64. ValueError if they are fewer than 10, not finite, or too large, too small or too
    close together for single precision."""
    if points is None:
        raise ValueError("draw or upload points of your own first")
    try:
        points = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        raise ValueError("points are not pairs of numbers") from None
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("points are not pairs of numbers")
    if len(points) < FEWEST:
        raise ValueError(f"{len(points)} points are too few, at least {FEWEST} are needed")
    if not np.isfinite(points).all() or np.abs(points).max() > LARGEST:
        raise ValueError(f"every coordinate must be a number in [-{LARGEST:.0e}, {LARGEST:.0e}]")
    spread = points.std(0)
    if spread.max() < SMALLEST or (spread <= CLOSE * np.abs(points).max(0)).all():
        raise ValueError("all points are the same, or differ too little for their size; subtract what they share or take larger units")
    return points


def _text(raw: bytes) -> tuple[str, str]:
    if raw[:2] == b"PK" or raw[:4] == b"\xd0\xcf\x11\xe0":
        raise ValueError("The file is a spreadsheet or an archive; save it as CSV")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif raw[:200].count(0) > len(raw[:200]) // 4:
        encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    for name in (encoding, "cp1252"):
        try:
            text = raw.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, name.removesuffix("-sig")
        break
    raise ValueError("The file is not a text of lines of numbers")


def _lines(text: str) -> tuple[str | None, list[tuple[int, str]]]:
    """The separator that a first line `sep=;` names, and (number, line) of what is neither empty nor a comment."""
    told, found = None, []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if len(line) > LINE:
            raise ValueError(f"Line {number} is longer than {LINE:,} characters")
        if number == 1 and re.fullmatch(r"sep=.", line.strip("\ufeff ") or "x"):
            told = line.strip("\ufeff ")[-1]
        elif line.strip() and not line.lstrip().startswith(("#", "%", "//")):
            found.append((number, line.replace("\u2212", "-")))
    if len(found) > ROWS + 1:
        raise ValueError(f"The file has {len(found):,} lines, at most {ROWS:,}")
    return told, found


def _split(lines: Sequence[tuple[int, str]], told: str | None) -> tuple[str, str, list[tuple[int, list[str]]]]:
    """(separator, "." or ",", cells by line). The separator is the first that cuts nearly all lines into the same number of cells."""
    body = [line for _, line in lines[1:]] or [line for _, line in lines]
    separator = told if told in SEPARATORS else next((s for s in ("\t", ";", "|") if _cuts(body, s)), None)
    if separator is None and _cuts(body, ","):
        return _commas(lines, body)
    if separator is None:
        separator = " " if _cuts(body, " ") else ","
    rows = [(number, _cells(line, separator, number)) for number, line in lines]
    return separator, _decimal(rows, separator), rows


def _commas(lines: Sequence[tuple[int, str]], body: Sequence[str]) -> tuple[str, str, list[tuple[int, list[str]]]]:
    """Lines with commas and no other separator: between columns, within numbers, or both, told by the spaces; else refused."""
    spaced = [re.split(r",\s+", line.strip()) for line in body]
    if all(len(row) > 1 and all(_number(cell, ",") is not None for cell in row) for row in spaced) and any(
        "," in cell for r in spaced for cell in r
    ):
        return ",", ",", [(number, re.split(r",\s+", line.strip())) for number, line in lines]
    rows = [(number, _cells(line, ",", number)) for number, line in lines]
    found = [row for _, row in rows[-len(body) :]]
    whole = all(len(row) == 4 and all(re.fullmatch(r"[+-]?\d+", cell.strip()) for cell in row) for row in found)
    if whole and any(re.match(r"0\d", row[i].strip()) for row in found for i in (1, 3)):
        first = lines[-len(body)][0]
        raise ValueError(f"Line {first} reads as four whole numbers or as two with decimal commas; put a semicolon between columns")
    if not all(_number(cell, ".") is not None for row in found for cell in row):
        words = [line.split() for line in body]
        if all(len(row) > 1 and all(_number(cell, ",") is not None for cell in row) for row in words):
            return " ", ",", [(number, line.split()) for number, line in lines]
    return ",", ".", rows


def _cuts(lines: Sequence[str], separator: str) -> bool:
    counts = [len(line.split()) if separator == " " else line.count(separator) + 1 for line in lines]
    usual = max(set(counts), key=counts.count) if counts else 1
    return usual > 1 and counts.count(usual) >= 0.5 * len(counts)


def _cells(line: str, separator: str, number: int) -> list[str]:
    if separator == " ":
        cells = line.split()
    else:
        try:
            cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
        except (csv.Error, StopIteration):
            raise ValueError(f"Line {number} has a quote that does not end") from None
    if len(cells) > COLUMNS:
        raise ValueError(f"Line {number} has {len(cells)} columns, at most {COLUMNS}")
    return [cell.strip() for cell in cells]


def _decimal(rows: Sequence[tuple[int, list[str]]], separator: str) -> str:
    """Point or comma. Refused if some numbers have the one and some the other."""
    comma = point = 0
    for number, row in rows:
        for cell in (GROUPED.sub("", each) for each in row):
            if re.fullmatch(r"[+-]?[\d.]*\d,\d+([eE][+-]?\d+)?|[+-]?,\d+", cell):
                comma = comma or number
            elif re.fullmatch(r"[+-]?[\d,]*\.\d+([eE][+-]?\d+)?", cell):
                point = point or number
    if comma and point and separator != ",":
        raise ValueError(f"Line {point} has a decimal point and line {comma} a comma; write all numbers in one way")
    return "," if comma and separator != "," else "."


def _number(cell: str, decimal: str) -> float | None:
    """The number that a cell holds in plain digits, however its thousands are grouped; None if it holds none, NaN or infinity."""
    text = GROUPED.sub("", cell.strip())
    other = "." if decimal == "," else ","
    if re.fullmatch(rf"[+-]?\d{{1,3}}({re.escape(other)}\d{{3}})+({re.escape(decimal)}\d*)?", text):
        text = text.replace(other, "")
    text = text.replace(decimal, ".") if other not in text else text
    value = float(text) if PLAIN.fullmatch(text) else None
    return value if value is not None and abs(value) < float("inf") else None


def _is_header(row: Sequence[str], decimal: str) -> bool:
    """Names and no number, at least one of them a word."""
    return all(_number(cell, decimal) is None for cell in row) and any(cell.lower() not in NAMES for cell in row)


def _names(header: list[str] | None, rows: Sequence[tuple[int, list[str]]]) -> tuple[list[str], bool]:
    """A name for each column, and whether the header has none for the first: R writes the names of rows so."""
    width = max(len(row) for _, row in rows)
    if header is None:
        return [f"column {i + 1}" for i in range(width)], False
    shift = width == len(header) + 1 and all(len(row) == width for _, row in rows)
    named = ([""] if shift else []) + header
    named += [""] * (width - len(named))
    return ["".join(ch for ch in name if ch.isprintable())[:40] or f"column {i + 1}" for i, name in enumerate(named)], shift


def _kind(cells: Sequence[str], decimal: str) -> str:
    """ "number" where at least half of what is written are numbers, "empty", or "text"."""
    written = [cell for cell in cells if cell]
    numbers = sum(_number(cell, decimal) is not None or cell.lower() in NAMES for cell in written)
    return "empty" if not written else "number" if 2 * numbers >= len(written) else "text"


def _index(header: Any, names: Sequence[str], kinds: Sequence[str], rows: Sequence[tuple[int, list[str]]], shift: bool) -> set[int]:
    """The first column, if it counts the rows and has no name, or one that says so, or nothing in the file has names."""
    if kinds.count("number") < 3 and not (shift or header and (not header[0] or names[0].lower() in ("index", "id", "unnamed: 0"))):
        return set()
    nameless = header is None or shift or not header[0] or names[0].lower() in ("index", "id", "row", "unnamed: 0")
    counted = [row[0] for _, row in rows]
    counts = any(counted == [str(i + start) for i in range(len(rows))] for start in (0, 1))
    return {0} if nameless and (counts or shift) else set()


def _why(name: str, kind: str, index: bool) -> str:
    shown = "the first column" if name == "column 1" else name
    return f"{shown} (it counts the lines)" if index else f"{shown} (not numbers)"


def _chosen(names: Sequence[str], numbers: Sequence[int]) -> tuple[int, int] | None:
    """The columns x and y, if there are such, else the first two of numbers."""
    low = [name.lower() for name in names]
    if {"x", "y"} <= {low[i] for i in numbers}:
        return low.index("x"), low.index("y")
    return (numbers[0], numbers[1]) if len(numbers) > 1 else None


def _too_few(rows: Sequence[tuple[int, list[str]]], kinds: Sequence[str], decimal: str) -> str:
    number, row = next(((n, r) for n, r in rows if sum(_number(c, decimal) is not None for c in r) < 2), rows[0])
    return f"Line {number} does not hold two numbers: {' '.join(row)[:40]}" if kinds else "The file holds no numbers"


def _cell(number: int, row: Sequence[str], i: int, decimal: str) -> float:
    if i >= len(row) or not row[i]:
        raise ValueError(f"Line {number} has no number in column {i + 1}")
    value = _number(row[i], decimal)
    if value is None:
        raise ValueError(f"Line {number}: {''.join(ch for ch in row[i] if ch.isprintable())[:40]} is not a number")
    return value
