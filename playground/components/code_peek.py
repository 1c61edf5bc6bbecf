"""The lines of engine code behind a panel, cut from the source without importing it (the web process has no torch)."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def source(file: str, name: str) -> dict[str, str | int]:
    """The source of function or method `name` ("Class.method" too) in `file`, relative to the project, with the comment over it and without
    its docstring."""
    text = (ROOT / file).read_text(encoding="utf-8")
    node = _find(ast.parse(text), name.split("."))
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        docstring = node.body[0]
        first, last = docstring.lineno - node.lineno, (docstring.end_lineno or docstring.lineno) - node.lineno
        lines = lines[:first] + lines[last + 1 :]
    indent = len(lines[0]) - len(lines[0].lstrip())
    above = _comment_above(text.splitlines(), node.lineno - 1)
    return {"file": file, "line": node.lineno, "name": name, "code": "\n".join([*above, *(line[indent:] for line in lines)])}


def _comment_above(lines: list[str], at: int) -> list[str]:
    """The comment lines directly over a definition: there the paper is named."""
    first = at
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return [line.strip() for line in lines[first:at]]


def _find(tree: ast.AST, path: list[str]) -> ast.FunctionDef:
    """The definition at a dotted path. LookupError if the source no longer has it, so that a rename is noticed by a test."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == path[0]:
            if len(path) > 1:
                return _find(node, path[1:])
            if isinstance(node, ast.FunctionDef):
                return node
    raise LookupError(f"no function {path[0]!r} in the source")
