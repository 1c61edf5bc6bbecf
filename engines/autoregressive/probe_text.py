"""What is seen and measured of a text model: a text it writes, how surprised it is by what it writes and by what is held out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines import metrics
from engines.autoregressive.baselines import KNOWN, bars
from engines.autoregressive.generate import Choice, beam_search, generate
from engines.autoregressive.questions import Request
from engines.core import Snapshot, Tokens, Views
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

WRITTEN, TEMPERATURE = 160, 0.8  # tokens of the text on the stage
MEASURED = 16_384  # tokens held out that are measured while training
LONG = 1_024  # tokens at a time for models without a limit
AT_ONCE, SHOWN, EVERY = 32, 4, 16  # texts written at once; texts and tokens between two looks at a text being written
MOST_WRITTEN = 400_000  # tokens of one request


class TextProbe:
    """The same random numbers for the text on the stage and the same places of the held-out text at each look."""

    def __init__(self, engine: AutoregressiveEngine):
        source, c = engine.source, engine.config
        self.tokenizer, self.device = source.tokenizer, engine.device
        self.u = torch.rand((1, WRITTEN), generator=Rng(c.seed, ("look",), self.device)["look"], device=self.device)
        block = c.block_size if engine.attentive else min(LONG, len(source.val) - 1)
        self.all = source.windows(block)
        self.some = source.windows(block, max(1, MEASURED // block))

    def backdrop(self, engine: AutoregressiveEngine) -> Snapshot:
        source = engine.source
        beginning = source.val[:WRITTEN].tolist()
        views: Views = {"stage": (self.view(beginning, given=len(beginning), name="held out", role="data"),)}
        if engine.config.dataset in KNOWN and not engine.config.limit:
            views = {**views, "baselines": (bars(KNOWN[engine.config.dataset]),)}
        return Snapshot(0, {metrics.SAMPLES: float(self.some.shape[0] * (self.some.shape[1] - 1))}, views)

    def look(self, engine: AutoregressiveEngine) -> Views:
        prompt = self.prompt(engine, "\n")
        *_, text = self.write(engine, prompt, self.u, Choice(TEMPERATURE))
        return {"stage": (text[0],)}

    def evaluate(self, engine: AutoregressiveEngine) -> dict[str, float]:
        return self.measure(engine, self.some)

    def audit(self, engine: AutoregressiveEngine) -> dict[str, float]:
        return self.measure(engine, self.all)

    @torch.no_grad()
    def measure(self, engine: AutoregressiveEngine, windows: Tensor) -> dict[str, float]:
        """Nats per character, bits per byte and perplexity of windows (n, t + 1), each read from its beginning."""
        source, total = engine.source, 0.0
        for part in windows.split(max(1, 4_096 // windows.shape[1])):
            total += surprise(engine.model, part).double().sum().item()
        nats = total / windows[:, 1:].numel()  # per token
        per_char = nats * len(source.val) / len(source.text.val)
        return {
            metrics.VAL_NATS_PER_CHAR: per_char,
            metrics.VAL_BITS_PER_BYTE: per_char / math.log(2) / source.bytes_per_char,
            metrics.VAL_PERPLEXITY: math.exp(min(nats, 700.0)),
        }

    # Writing

    def prompt(self, engine: AutoregressiveEngine, text: str) -> Tensor:
        """(1, t) tokens; where a new line is not known, the text held out lends its first token."""
        if text in ("", "\n") and "\n" not in engine.source.text.text:
            return engine.source.val[None, :1]
        return torch.from_numpy(self.tokenizer.encode(text or "\n")).to(self.device)[None]

    def view(self, ids: list[int], **more: Any) -> Tokens:
        return Tokens(tuple(self.tokenizer.pieces[i] for i in ids), **more)

    def write(
        self, engine: AutoregressiveEngine, prompt: Tensor, u: Tensor, choice: Choice, cached: bool = True
    ) -> Iterator[tuple[Tokens, ...]]:
        """The texts so far, every few tokens, and at the end. prompt (n, t), u (n, length)."""
        columns: list[tuple[Tensor, ...]] = []
        for column in generate(engine.model, prompt, u, choice, cached=cached):
            columns.append(column)
            if len(columns) % EVERY == 0 and len(columns) < u.shape[1]:
                yield self._texts(prompt[:SHOWN], columns)
        yield self._texts(prompt, columns)

    def _texts(self, prompt: Tensor, columns: list[tuple[Tensor, ...]]) -> tuple[Tokens, ...]:
        ids, nats, entropies = (torch.stack(parts, 1)[: len(prompt)] for parts in zip(*columns, strict=True))
        ids = torch.cat([prompt, ids], 1)
        pad = torch.full(prompt.shape, torch.nan, device=self.device)
        known, unsure = (torch.cat([pad, x], 1).cpu().numpy().astype(np.float32) for x in (nats, entropies))
        return tuple(self.view(row.tolist(), surprise=known[i], entropy=unsure[i], given=prompt.shape[1]) for i, row in enumerate(ids))

    def sample(self, engine: AutoregressiveEngine, r: Request) -> Iterator[Snapshot]:
        """Each text has random numbers of its own: it does not depend on how many there are."""
        if r.n * r.length > MOST_WRITTEN:
            raise ValueError(f"n={r.n} texts of length={r.length} are more than {MOST_WRITTEN:,} tokens in all")
        prompt = self.prompt(engine, r.prompt)
        if r.beams > 1:
            yield self._beams(engine, prompt, r)
            return
        choice = Choice(r.temperature, r.top_k, r.top_p, r.min_p, r.repetition_penalty)
        u = torch.rand((r.n, r.length), generator=Rng(r.seed, ("sample",), self.device)["sample"], device=self.device)
        done: tuple[Tokens, ...] = ()
        for part in u.split(AT_ONCE):
            for texts in self.write(engine, prompt.expand(len(part), -1), part, choice, r.cache):
                yield Snapshot(engine.step, {}, {"samples": done[:SHOWN] + texts})
            done += texts
        yield Snapshot(engine.step, {}, {"samples": done})

    def _beams(self, engine: AutoregressiveEngine, prompt: Tensor, r: Request) -> Snapshot:
        if r.n > r.beams:
            raise ValueError(f"n={r.n} is more than beams={r.beams}: each beam is one text")
        texts, _ = beam_search(engine.model, prompt, r.length, r.beams)
        views = []
        for row in texts[: r.n]:
            ids = torch.cat([prompt[0], row])
            views.append(self.read(engine, ids, given=prompt.shape[1]))
        return Snapshot(engine.step, {}, {"samples": tuple(views)})

    @torch.no_grad()
    def read(self, engine: AutoregressiveEngine, ids: Tensor, **more: Any) -> Tokens:
        """A given text (t,) with the surprise and entropy of each token; the first has none before it and stays unknown."""
        logits = self.logits(engine, ids)
        log_probs = logits.log_softmax(-1)  # (t − 1, vocab)
        nats = -log_probs.gather(1, ids[1:, None])[:, 0]
        entropies = -(log_probs.exp() * log_probs.clamp(min=-1e4)).sum(1)
        first = torch.full((1,), torch.nan, device=self.device)
        both = (torch.cat([first, x]).cpu().numpy().astype(np.float32) for x in (nats, entropies))
        found = dict(zip(("surprise", "entropy"), both, strict=True))
        return self.view(ids.tolist(), **found, **more)

    @torch.no_grad()
    def logits(self, engine: AutoregressiveEngine, ids: Tensor) -> Tensor:
        """(t − 1, vocab): what follows each token of a text (t,) but the last. Where the text is longer than the context, each half is read
        with the half before it."""
        block, t = engine.model.block_size, len(ids) - 1
        if block is None or t <= block:
            return engine.model(ids[None, :-1])[0]
        half, found = block // 2, [engine.model(ids[None, :block])[0]]
        for end in range(block + half, t + half, half):
            end = min(end, t)
            new = end - sum(len(x) for x in found)
            found.append(engine.model(ids[None, end - block : end])[0, -new:])
        return torch.cat(found)


def surprise(model: Any, windows: Tensor) -> Tensor:
    """−log p in nats of each token of windows (n, t + 1) but the first, (n, t)."""
    return F.cross_entropy(model(windows[:, :-1]).transpose(1, 2), windows[:, 1:], reduction="none")
