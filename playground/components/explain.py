"""The prose of a tab, read from a family's about.md. One section per objective and per fix, its first line the equation; "read: objective"
says how to read the losses, in sentences only, "fix: knob" what a fix does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ, FIX = "read: ", "fix: "


def objectives(family: str) -> dict[str, dict[str, str]]:
    """objective -> {"equation": html, "text": sentences, "read": sentences, "" if nothing is written}."""
    found, reads = _sections(family), _starting(family, READ)
    plain = {key: _formula(lines) for key, lines in found.items() if not key.startswith((READ, FIX))}
    return {key: formula | {"read": " ".join(reads.get(key, []))} for key, formula in plain.items()}


def fixes(family: str) -> dict[str, dict[str, str]]:
    """knob -> {"equation": html, "text": sentences}, of the fixes that have a section."""
    return {key: _formula(lines) for key, lines in _starting(family, FIX).items()}


@cache
def _sections(family: str) -> dict[str, list[str]]:
    """heading -> the lines under it that are not empty."""
    text = (ROOT / "engines" / family / "about.md").read_text(encoding="utf-8")
    blocks = [[line.strip() for line in block.split("\n") if line.strip()] for block in text.split("\n## ")[1:]]
    return {heading: lines for heading, *lines in blocks}


def _starting(family: str, prefix: str) -> dict[str, list[str]]:
    return {key.removeprefix(prefix).strip(): lines for key, lines in _sections(family).items() if key.startswith(prefix)}


def _formula(lines: list[str]) -> dict[str, str]:
    equation, *sentences = lines
    return {"equation": equation, "text": " ".join(sentences)}
