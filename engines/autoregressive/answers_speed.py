"""Questions about speed and about transformers: a stopwatch beside the cache, and the exported folder in Hugging Face's own hands."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engines.autoregressive import questions_writing as q
from engines.autoregressive.generate import Choice, choose, draw, generate
from engines.autoregressive.transformer import Transformer
from engines.core import Bars, Curve, Snapshot, Tokens
from engines.state import Rng

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

Answers = Iterator[Snapshot | None]


def stopwatch(engine: AutoregressiveEngine, a: q.Stopwatch) -> Answers:
    """The time of each token, the shortest of `repeats`, while a text fills a context of `context` tokens. ValueError if both ways do not
    write the same text."""
    net = _of_context(engine, a.context) if engine.attentive else engine.model
    prompt = engine.probe.prompt(engine, "\n")[:, :1]
    u = torch.rand((1, a.context - 1), generator=Rng(a.seed, ("sample",), engine.device)["sample"], device=engine.device)
    times, texts = {}, {}
    for name, cached in (("with cache", True), ("without", False)):
        runs = []
        for _ in range(a.repeats):
            tokens, seconds = [], []
            for token, spent in _timed(generate(net, prompt, u, Choice(), cached=cached), engine.device):
                tokens.append(token)
                seconds.append(spent)
                yield None
            runs.append(seconds)
        times[name], texts[name] = 1e3 * np.array(runs).min(0), torch.cat(tokens)
    if not torch.equal(texts["with cache"], texts["without"]):
        raise ValueError("with the cache another text was written than without it")
    x = np.arange(1, a.context, dtype=np.float32)
    curves = tuple(
        Curve(x, ms.astype(np.float32), role="model" if name == "with cache" else "data", name=name) for name, ms in times.items()
    )
    late = {f"{name} [ms]": float(np.median(ms[-max(1, len(ms) // 8) :])) for name, ms in times.items()}
    total = {f"{name}, all [ms]": float(ms.sum()) for name, ms in times.items()}
    about = {"identical tokens": float(len(texts["without"])), "cache [bytes]": float(_cache_bytes(net, a.context))}
    yield Snapshot(engine.step, late | total | about, {"time": curves, "machine": (Tokens((machine(engine.device),), name="machine"),)})


def _of_context(engine: AutoregressiveEngine, context: int) -> Transformer:
    """This run's network, or one of its shape and weights with another context: learned positions past the run's own stay as drawn."""
    net = engine.model
    if net.block_size == context:
        return net
    other = Transformer(replace(net.shape, block_size=context)).to(engine.device)
    other.initialise(Rng(0, ("stopwatch",), engine.device)["stopwatch"])
    other.load_state_dict({k: v for k, v in net.state_dict().items() if k != "positions.weight"}, strict=False)
    return other.eval()


def _timed(parts: Iterator[tuple[Tensor, ...]], device: torch.device) -> Iterator[tuple[Tensor, float]]:
    """Each token and the seconds it took; what others do in between does not count."""
    clock = _clock(device)
    while True:
        begun = clock()
        part = next(parts, None)
        if part is None:
            return
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield part[0], clock() - begun


def _clock(device: torch.device) -> Callable[[], float]:
    """CPU time where one thread does it all, so that a busy machine does not count; else the wall's."""
    return time.thread_time if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter


def _cache_bytes(net: Any, context: int) -> int:
    """Keys and values of every layer; other models keep a state or a few tokens."""
    if not isinstance(net, Transformer):
        return 0
    s = net.shape
    return 2 * 4 * s.layers * s.kv_heads * context * (s.width // s.heads)


def machine(device: torch.device) -> str:
    """What the times were measured on, in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    )
    threads = torch.get_num_threads()
    return (
        f"{(names or [platform.processor() or platform.machine()])[0]}, {'CPU time of 1 thread' if threads == 1 else f'{threads} threads'}"
    )


def reference(engine: AutoregressiveEngine, a: q.Reference) -> Answers:
    """Ours and theirs from the same weights: hidden states, logits, a greedy text, and one drawn from the same uniform numbers."""
    if not engine.attentive:
        raise ValueError(f"model={engine.config.model} has no twin in transformers; gpt2 and llama have")
    if find_spec("transformers") is None:
        raise ValueError("transformers is not installed here, so there is nothing to compare with")
    net, prompt = engine.model, engine.probe.prompt(engine, a.prompt)
    length = min(a.length, net.block_size - prompt.shape[1])
    if length < 1:
        raise ValueError(f"prompt fills the context of {net.block_size} tokens; a shorter one leaves room to write")
    clock = _clock(engine.device)
    yield None
    theirs = exported(net)
    yield None
    found, views = _layers(net, theirs, engine.source.val[: net.block_size][None])
    u = torch.rand((1, length), generator=Rng(a.seed, ("sample",), engine.device)["sample"], device=engine.device)
    texts = []
    for name, choice in (("greedy", Choice(temperature=0.0)), ("drawn", Choice(a.temperature))):
        begun = clock()
        ours = torch.cat([token for token, _, _ in generate(net, prompt, u, choice)])
        found[f"ours/{name} [tokens/s]"] = length / (clock() - begun)
        yield None
        begun = clock()
        other = written(theirs, prompt, u, choice)
        found[f"theirs/{name} [tokens/s]"] = length / (clock() - begun)
        found[f"same/{name}"] = float((ours == other).sum())
        for who, ids in (("ours", ours), ("theirs", other)):
            role = "model" if who == "ours" else "reference"
            mark = (ours != other).to(torch.uint8).cpu().numpy()
            texts.append(replace(engine.probe.view(ids.tolist(), role=role, name=f"{who}, {name}"), mark=mark))
        yield None
    views |= {"text": tuple(texts), "machine": (Tokens((machine(engine.device),), name="machine"),)}
    yield Snapshot(engine.step, found | {"tokens": float(length)}, views)


def exported(net: Transformer) -> Any:
    """Written to a folder as a visitor would get it, and opened by `AutoModelForCausalLM.from_pretrained`."""
    import transformers

    from engines.autoregressive.references import save_pretrained

    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        save_pretrained(net, folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    return model.to(net.tokens.weight.device).eval()


@torch.no_grad()
def _layers(net: Transformer, theirs: Any, ids: Tensor) -> tuple[dict[str, float], dict[str, tuple[Any, ...]]]:
    """The largest differences |ours − theirs| over ids (1, t), layer by layer and of the logits."""
    ours, other = net.streams(net.embed(ids)), theirs(ids, output_hidden_states=True)
    hidden = [*ours[:-1], net.norm(ours[-1])]  # theirs says its last state after the norm
    gaps = [float((x - y).abs().max()) for x, y in zip(hidden, other.hidden_states, strict=True)]
    logits = float((net.head(hidden[-1]) - other.logits).abs().max())
    names = ("embedding", *(f"layer {i}" for i in range(1, len(gaps))), "logits")
    bars = Bars(np.array([*gaps, logits], np.float32), names, role="reference", name="largest difference")
    return {"largest logit difference": logits, "tokens compared": float(ids.shape[1])}, {"difference": (bars,)}


@torch.no_grad()
def written(model: Any, prompt: Tensor, u: Tensor, choice: Choice) -> Tensor:
    """(length,) tokens by `generate` of transformers. Its own draws come from torch's global stream, so each token is drawn by our u from
    the probabilities that its loop has come to."""
    import transformers

    class Drawn(transformers.LogitsProcessor):
        def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
            token = draw(choose(scores, choice), u[:, input_ids.shape[1] - prompt.shape[1]])
            return torch.full_like(scores, -torch.inf).scatter(-1, token[:, None], 0.0)

    given = {"attention_mask": torch.ones_like(prompt), "max_new_tokens": u.shape[1], "do_sample": False, "pad_token_id": 0}
    if choice.temperature > 0:
        given["logits_processor"] = transformers.LogitsProcessorList([Drawn()])
    return model.generate(prompt, **given)[0, prompt.shape[1] :]
