"""The prose of a tab, read from a family's about.md: one section per objective, its first line the equation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def objectives(family: str) -> dict[str, dict[str, str]]:
    """objective -> {"equation": html, "text": sentences}."""
    sections = (ROOT / "engines" / family / "about.md").read_text(encoding="utf-8").split("\n## ")[1:]
    return dict(_section(section) for section in sections)


def _section(text: str) -> tuple[str, dict[str, str]]:
    key, equation, *sentences = [line for line in text.strip().split("\n") if line]
    return key.strip(), {"equation": equation, "text": " ".join(sentences)}
