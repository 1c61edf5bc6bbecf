"""Questions that have a text model write or read at length: ways of choosing side by side, every temperature, and whether the loss of
training holds where the text is not there yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from engines.autoregressive import questions_writing as q
from engines.autoregressive.generate import Choice, last_of
from engines.autoregressive.probe_text import surprise
from engines.core import Curve, Snapshot, Tokens
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
HELD_OUT = 64  # pieces of text that the written ones are compared with
Answers = Iterator[Snapshot | None]


def distinct(pieces: Sequence[object], n: int = 3) -> float:
    """distinct-n: how many different runs of n tokens there are, as a share of all. Li et al., 2016."""
    runs = list(zip(*(pieces[i:] for i in range(n)), strict=False))
    return len(set(runs)) / len(runs)


def sampling(engine: AutoregressiveEngine, a: q.Sampling) -> Answers:
    """Three texts from the same uniform numbers; "nats/…" is their mean surprise under the model as learned."""
    choices = {"temperature": Choice(a.temperature), "top-k": Choice(top_k=a.top_k), "top-p": Choice(top_p=a.top_p)}
    u = torch.rand((1, a.length), generator=_stream(engine, a.seed), device=engine.device)
    prompt, found, texts = engine.probe.prompt(engine, a.prompt), {}, []
    for name, choice in choices.items():
        (text,) = yield from last_of(engine.probe.write(engine, prompt, u, choice))
        texts.append(Tokens(text.pieces, text.surprise, text.entropy, given=text.given, name=name))
        found[f"distinct-3/{name}"] = distinct(text.pieces[text.given :])
        found[f"nats/{name}"] = float(np.nanmean(text.surprise))
    yield Snapshot(engine.step, found | _held_out(engine, a.length), {"text": tuple(texts)})


def temperatures(engine: AutoregressiveEngine, a: q.Temperatures) -> Answers:
    """Means over n texts at each temperature, the same uniform numbers at all of them."""
    u = torch.rand((a.n, a.length), generator=_stream(engine, a.seed), device=engine.device)
    prompt = engine.probe.prompt(engine, a.prompt).expand(a.n, -1)
    different, nats = [], []
    for temperature in TEMPERATURES:
        texts = yield from last_of(engine.probe.write(engine, prompt, u, Choice(temperature)))
        different.append(np.mean([distinct(t.pieces[t.given :]) for t in texts]))
        nats.append(np.mean([np.nanmean(t.surprise) for t in texts]))
    x = np.array(TEMPERATURES, np.float32)
    views = {name: (Curve(x, np.array(y, np.float32), name=name),) for name, y in (("distinct", different), ("nll", nats))}
    yield Snapshot(engine.step, _held_out(engine, a.length) | {"n": float(a.n)}, views)


def _held_out(engine: AutoregressiveEngine, length: int) -> dict[str, float]:
    """What people wrote, by the same measures: pieces of as many tokens, each read after one token more."""
    val = engine.source.val
    length = min(length, len(val) - 1)
    n = max(1, min(HELD_OUT, (len(val) - 1) // length))
    start = torch.linspace(0, len(val) - length - 1, n).long().tolist()
    pieces = [val[i : i + length + 1] for i in start]
    nats = [engine.probe.read(engine, ids).surprise for ids in pieces[:8]]
    return {
        "distinct-3/held out": float(np.mean([distinct(ids[1:].tolist()) for ids in pieces])),
        "nats/held out": float(np.mean([np.nanmean(s) for s in nats])),
        "pieces held out": float(n),
    }


def leak(engine: AutoregressiveEngine, a: q.Leak) -> Answers:
    """A model that sees what it is to predict needs no knowledge: read token by token, its loss is what it is worth when it writes."""
    windows = engine.probe.some[: a.n]
    if engine.model.block_size is None:
        windows = windows[:, : engine.config.block_size + 1]
    with torch.no_grad():
        trained = surprise(engine.model, windows).double()
    total = torch.zeros((), dtype=torch.float64, device=engine.device)
    for t in range(1, windows.shape[1]):
        with torch.no_grad():
            logits = engine.model(windows[:, :t])[:, -1]
        total += torch.nn.functional.cross_entropy(logits, windows[:, t], reduction="sum").double()
        yield None
    found = {"as trained [nats]": trained.mean().item(), "token by token [nats]": total.item() / trained.numel()}
    yield Snapshot(engine.step, found | {"n": float(trained.numel())}, {})


def _stream(engine: AutoregressiveEngine, seed: int) -> torch.Generator:
    return Rng(seed, ("sample",), engine.device)["sample"]
