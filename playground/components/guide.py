"""What to look at, scene by scene (guide.md), and what the words mean (glossary.md): prose that the page is given with the schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1]


@cache
def scenes(family: str) -> dict[str, Any]:
    """{"home": sentence, "groups": [[title, [[scene, sentence], ...]], ...]} of one family, in the order of the file."""
    groups: list[tuple[str, list[list[str]]]] = []
    home, mine = "", False
    for line in (FOLDER / "guide.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            mine = line[2:].strip() == family
        elif mine and line.startswith("## "):
            groups.append((line[3:].strip(), []))
        elif mine and ": " in line:
            name, sentence = line.split(": ", 1)
            if name == "home":
                home = sentence.strip()
            else:
                groups[-1][1].append([name, sentence.strip()])
    return {"home": home, "groups": groups}


@cache
def glossary() -> list[list[Any]]:
    """[[[spelling, ...], definition], ...]: one entry a line, its spellings divided by bars."""
    lines = (FOLDER / "glossary.md").read_text(encoding="utf-8").splitlines()
    entries = [line.split(": ", 1) for line in lines if ": " in line]
    return [[[spelling.strip() for spelling in names.split(" | ")], text.strip()] for names, text in entries]
