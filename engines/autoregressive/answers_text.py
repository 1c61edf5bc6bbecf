"""Questions to a text model: what comes next and why, how likely a text is, what it has learned by heart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engines import metrics
from engines.autoregressive import questions as q
from engines.autoregressive.baselines import KNOWN, bars, measure
from engines.autoregressive.generate import Choice, choose, entropy, last_of
from engines.autoregressive.ladder import NGram
from engines.autoregressive.probe_text import surprise as nats_of
from engines.autoregressive.speculative import speculative
from engines.core import Bars, Curve, Heat, Snapshot, Tokens
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

DEFAULT_TOKENS = 64  # of the text held out, where none is given
DRAFT_ORDER = 3
Answers = Iterator[Snapshot | None]


def next_token(engine: AutoregressiveEngine, a: q.Next) -> Answers:
    """Metrics "entropy [nats]" (as learned) and, inside the text, "surprise [nats]" of the token that came."""
    ids, at = _position(engine, a.text, a.position)
    with torch.no_grad():
        logits = _after(engine, ids[:at])
    shown = choose(logits[None], Choice(a.temperature, a.top_k, a.top_p, a.min_p))[0].exp()
    p, best = shown.topk(min(a.shown, len(shown)))
    view = Bars(_numbers(p), tuple(engine.source.tokenizer.pieces[i] for i in best.tolist()), name="p of the next token")
    found = {"entropy [nats]": float(entropy(logits.log_softmax(-1)))}
    if at < len(ids):
        found["surprise [nats]"] = -float(logits.log_softmax(-1)[ids[at]])
        found["rank"] = float((logits > logits[ids[at]]).sum() + 1)
    yield Snapshot(engine.step, found, {"next": (view,), "text": (engine.probe.view(ids.tolist(), given=at, name="text"),)})


def surprise(engine: AutoregressiveEngine, a: q.Surprise) -> Answers:
    """Metrics: the text's −log p in nats and bits, per character and per byte; "rank held out": the part of held-out pieces of the same
    length that are less likely per token, so that near 0 it is an anomaly."""
    ids = _text(engine, a.text)
    if len(ids) < 2:
        raise ValueError("text needs at least two tokens")
    view = engine.probe.read(engine, ids, name="text")
    total, text = float(np.nansum(view.surprise)), view.text
    rest = text[len(view.pieces[0]) :]
    found = {"nll [nats]": total, "nll [bits]": total / math.log(2), metrics.NATS_PER_CHAR: total / max(1, len(rest))}
    found["bits_per_byte"] = total / math.log(2) / max(1, len(rest.encode()))
    found["perplexity"] = math.exp(min(total / (len(ids) - 1), 700.0))
    n = min(len(ids) - 1, engine.probe.some.shape[1] - 1)
    with torch.no_grad():
        others = nats_of(engine.model, engine.probe.some[:64, : n + 1]).mean(1)
    found["rank held out"] = float((others > total / (len(ids) - 1)).double().mean())
    yield Snapshot(engine.step, found, {"text": (view,)})


def attention(engine: AutoregressiveEngine, a: q.Attention) -> Answers:
    """Row = the token that looks, column = the token looked at; each row sums to 1."""
    net = _transformer(engine)
    if a.layer >= net.shape.layers or a.head >= net.shape.heads:
        raise ValueError(f"layer={a.layer}, head={a.head}: there are {net.shape.layers} layers of {net.shape.heads} heads, from 0")
    ids = _text(engine, a.text)[: net.block_size]
    with torch.no_grad():
        net.streams(net.embed(ids[None]), watch=True)
    weights = net.blocks[a.layer].attention.watched[0, a.head]  # (t, t)
    forget(net)
    t = len(ids) - 1
    heat = Heat(_numbers(weights), (0.0, float(t), 0.0, float(t)), name=f"layer {a.layer}, head {a.head}")
    yield Snapshot(engine.step, {}, {"attention": (heat,), "text": (engine.probe.view(ids.tolist(), name="text"),)})


def forget(net: torch.nn.Module) -> None:
    """Drop the attention weights that were kept."""
    for block in net.blocks:  # type: ignore[union-attr]
        block.attention.watched = None


def lens(engine: AutoregressiveEngine, a: q.Lens) -> Answers:
    """What the head says of the residual stream before the first block and after each: the likeliest tokens, and in "final" how
    probable each layer finds what the last one finds likeliest."""
    net = _transformer(engine)
    ids, at = _position(engine, a.text, a.position)
    ids = ids[max(0, at - net.block_size) : at]
    with torch.no_grad():
        streams = net.streams(net.embed(ids[None]))
        probs = torch.stack([net.logits_of(s)[0, -1].softmax(-1) for s in streams])  # (layers + 1, vocab)
    pieces = engine.source.tokenizer.pieces
    views = []
    for i, p in enumerate(probs):
        top, best = p.topk(min(a.shown, len(p)))
        views.append(Bars(_numbers(top), tuple(pieces[k] for k in best.tolist()), name=f"after layer {i}" if i else "embedding"))
    final = Curve(np.arange(len(probs), dtype=np.float32), _numbers(probs[:, int(probs[-1].argmax())]), name="p of the final choice")
    yield Snapshot(engine.step, {}, {"lens": tuple(views), "final": (final,)})


def receptive(engine: AutoregressiveEngine, a: q.Receptive) -> Answers:
    """The length of the gradient of the likeliest next token's log p at each token's embedding: "value" of the Tokens."""
    if isinstance(engine.model, NGram):
        raise ValueError("counts have no gradient: an n-gram sees exactly its last n − 1 tokens")
    ids, at = _position(engine, a.text, a.position)
    ids = ids[max(0, at - (engine.model.block_size or at)) : at]
    x, logits = embedded(engine, ids)
    (gradient,) = torch.autograd.grad(logits.log_softmax(-1).max(), x)
    length = gradient[0].norm(dim=-1)[-len(ids) :]
    view = engine.probe.view(ids.tolist(), value=_numbers(length), given=len(ids), name="gradient")
    yield Snapshot(engine.step, {"tokens that matter": float((length > 0.01 * length.max()).sum())}, {"text": (view,)})


def embedded(engine: AutoregressiveEngine, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings (1, t, width) that take a gradient, and the logits (vocab,) after the last of them."""
    net = engine.model
    if engine.attentive:
        x = net.embed(ids[None]).detach().requires_grad_()
        return x, net.logits_of(net.streams(x)[-1])[0, -1]
    if hasattr(net, "window"):
        padded = net.padded(ids[None])
        x = net.tokens(padded).detach().requires_grad_()
        return x, net.read(x, len(ids))[0, -1]
    x = net.tokens(ids[None]).detach().requires_grad_()
    return x, net.read(x)[0, -1]


def context(engine: AutoregressiveEngine, a: q.Context) -> Answers:
    """Mean surprise of held-out tokens by how many tokens came before them in the window, over "windows" of them."""
    parts = engine.probe.all[:1024].split(64)
    total = torch.zeros(engine.probe.all.shape[1] - 1, dtype=torch.float64, device=engine.device)
    for part in parts:
        with torch.no_grad():
            total += nats_of(engine.model, part).double().sum(0)
        yield None
    windows = sum(len(part) for part in parts)
    x = np.arange(1, len(total) + 1, dtype=np.float32)
    yield Snapshot(engine.step, {"windows": float(windows)}, {"context": (Curve(x, _numbers(total / windows), name="nats per token"),)})


def baselines(engine: AutoregressiveEngine, a: q.Baselines) -> Answers:
    """Counts of one to five characters and gzip; metrics say how many characters there are, and different ones."""
    text = engine.source.text
    figures = KNOWN.get(engine.config.dataset, ()) if not engine.config.limit else ()
    if not figures:
        figures = yield from last_of(measure(text))
    about = {"characters": float(len(text.text)), "different characters": float(len(set(text.text)))}
    about["log of different characters [nats]"] = math.log(about["different characters"])
    yield Snapshot(engine.step, about, {"baselines": (bars(figures),)})


def go_on(engine: AutoregressiveEngine, a: q.Continue) -> Answers:
    """The text up to the position, the token put there, and what the model makes of it."""
    ids, at = _position(engine, a.text, a.position)
    prompt = ids[:at]
    if a.token:
        put = engine.source.tokenizer.encode(a.token)
        prompt = torch.cat([prompt, torch.from_numpy(put).to(prompt.device)])
    u = torch.rand((1, a.length), generator=_stream(engine, a.seed, "sample"), device=engine.device)
    choice = Choice(a.temperature, a.top_k, a.top_p, a.min_p, a.repetition_penalty)
    texts = yield from last_of(engine.probe.write(engine, prompt[None], u, choice))
    yield Snapshot(engine.step, {}, {"text": texts})


def memorised(engine: AutoregressiveEngine, a: q.Memorised) -> Answers:
    """A text, given or written, with "mark" on the tokens inside copies of at least `least` characters of the text trained on."""
    if a.text:
        texts = (engine.probe.read(engine, _text(engine, a.text), name="text"),)
    else:
        u = torch.rand((1, a.length), generator=_stream(engine, a.seed, "sample"), device=engine.device)
        texts = yield from last_of(engine.probe.write(engine, engine.probe.prompt(engine, "\n"), u, Choice(a.temperature)))
    pieces = texts[0].pieces
    inside, longest = copies("".join(pieces), engine.source.text.train, a.least)
    ends = np.cumsum([0, *(len(piece) for piece in pieces)])
    mark = np.array([inside[i:j].any() for i, j in zip(ends, ends[1:], strict=False)], np.uint8)
    view = Tokens(pieces, texts[0].surprise, texts[0].entropy, mark=mark, given=texts[0].given, name="written")
    found = {"copied": float(inside.mean()), "longest copy [characters]": float(longest)}
    yield Snapshot(engine.step, found, {"text": (view,)})


def copies(written: str, source: str, least: int) -> tuple[np.ndarray, int]:
    """Which characters (n,) bool lie in a stretch of at least `least` that occurs in the source, and how long the longest such is."""
    inside, longest, start = np.zeros(len(written), bool), 0, 0
    end = 0
    while start < len(written):
        end = max(end, start)
        while end < len(written) and written[start : end + 1] in source:
            end += 1
        if end - start >= least:
            inside[start:end] = True
        longest = max(longest, end - start)
        start += 1
    return inside, longest


def drafted(engine: AutoregressiveEngine, a: q.Speculative) -> Answers:
    """A text written with drafts of counted trigrams. "mark" is on tokens that a draft had right. Metrics: tokens per pass of the large
    model, and how many drafts it kept."""
    source = engine.source
    small = NGram(DRAFT_ORDER, source.vocab, source.train.cpu().numpy())
    small.count(len(source.train))
    prompt = engine.probe.prompt(engine, a.prompt)
    ids, counts = speculative(engine.model, small, prompt, a.length, a.draft, Choice(a.temperature), _stream(engine, a.seed, "speculative"))
    mark = np.array([*[False] * prompt.shape[1], *counts.marks], np.uint8)
    view = engine.probe.read(engine, torch.cat([prompt[0], ids]), given=prompt.shape[1], mark=mark)
    found = {"tokens per pass": a.length / counts.passes, "accepted": counts.accepted / max(1, counts.drafted)}
    yield Snapshot(engine.step, found | {"passes": float(counts.passes)}, {"text": (view,)})


def _text(engine: AutoregressiveEngine, text: str) -> Tensor:
    """(t,) tokens of a text, or the beginning of the text held out."""
    if not text:
        return engine.source.val[:DEFAULT_TOKENS]
    return torch.from_numpy(engine.source.tokenizer.encode(text)).to(engine.device)


def _position(engine: AutoregressiveEngine, text: str, position: int) -> tuple[Tensor, int]:
    """The text (t,) and how many of its tokens come before the position asked about: at least one."""
    ids = _text(engine, text)
    at = len(ids) if position < 0 else position
    if not 1 <= at <= len(ids):
        raise ValueError(f"position={position} is outside [1, {len(ids)}] of this text, or −1 for its end")
    return ids, at


def _after(engine: AutoregressiveEngine, ids: Tensor) -> Tensor:
    """Logits (vocab,) after tokens (t,)."""
    block = engine.model.block_size
    return engine.model(ids[None, -block:] if block else ids[None])[0, -1]


def _transformer(engine: AutoregressiveEngine):
    if not engine.attentive:
        raise ValueError(f"model={engine.config.model} has no attention and no layers to look into; gpt2 and llama have")
    return engine.model


def _stream(engine: AutoregressiveEngine, seed: int, name: str) -> torch.Generator:
    return Rng(seed, (name,), engine.device)[name]


def _numbers(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy().astype(np.float32)
