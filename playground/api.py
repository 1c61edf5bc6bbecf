"""The public API: named JSON endpoints for programs, callable with gradio_client or curl. They use the same sessions, workers and limits
as the page.

    from gradio_client import Client
    for row in Client(url).submit("gan", "ring8", 2000, 7, {"objective": "wgan-gp"}, api_name="/train"):
        print(row)
"""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import gradio as gr

from engines.config import knobs
from engines.core import Images, Snapshot, drawn, written
from engines.data import DATASETS
from playground.sessions import frames, questions
from playground.sessions.limits import LIMITS, Refused
from playground.sessions.received import address
from playground.sessions.service import Service

AT_ONCE = 4  # runs asked for by programs; each is also one of the sessions that train at once
SAMPLES = 1_000
DONE = ("finished", "diverged", "paused", "empty")


def add_api(service: Service) -> None:
    """Register the endpoints /list, /train and /sample. Call it inside the `gr.Blocks` of the page."""

    async def train(family: str, dataset: str, steps: int, seed: int, settings: dict, request: gr.Request) -> AsyncIterator[dict]:
        """Train a small model from scratch and stream its metrics, one dict per look, until it is done.

        Args:
            family: family of models, for example "gan"; /list names them
            dataset: data set, for example "ring8" or "mnist"
            steps: length of the run
            seed: 0 to 9999; same seed and settings, same run
            settings: other knobs by name, for example {"objective": "wgan-gp"}; {} for what is recommended
        """
        with _refusals():
            async with contextlib.aclosing(_run(service, family, _settings(dataset, steps, seed, settings), request)) as looks:
                async for _, look in looks:
                    yield look

    async def sample(family: str, dataset: str, steps: int, n: int, seed: int, settings: dict, request: gr.Request) -> dict:
        """Train a small model from scratch and draw n samples from it: points [x, y] in data units, or images (c, h, w) in [-1, 1].

        Args:
            family: family of models, for example "gan"; /list names them
            dataset: data set, for example "ring8" or "mnist"
            steps: length of the run
            n: how many samples, 1 to 1000
            seed: 0 to 9999; same seed and settings, same samples
            settings: other knobs by name; {} for what is recommended
        """
        with _refusals():
            n = _count(n)
            async with contextlib.aclosing(_run(service, family, _settings(dataset, steps, seed, settings), request)) as looks:
                metrics: dict[str, Any] = {}
                async for token, look in looks:
                    metrics |= look["metrics"]
                    if look["state"] != "running":
                        last = frames.decode(await questions.sample(service, token, {"n": n, "seed": int(seed)}))
                return {"step": look["step"], "state": look["state"], "metrics": metrics, "samples": _arrays(last)}

    gr.api(_list(service), api_name="list", concurrency_limit=AT_ONCE)
    gr.api(train, api_name="train", concurrency_limit=AT_ONCE, concurrency_id="train")
    gr.api(sample, api_name="sample", concurrency_limit=AT_ONCE, concurrency_id="train")


def _list(service: Service):
    def list() -> dict:
        """Name the families of models with their knobs (range, unit, help) and presets, and the data sets."""
        return frames.plain(
            {
                "families": {key: _family(family) for key, family in service.families.items()},
                "datasets": {d.key: {"title": d.title, "kind": d.kind, "shape": d.shape, "about": d.about} for d in DATASETS.values()},
                "limits": {"steps": LIMITS.api_steps, "seconds": LIMITS.api_seconds, "samples": SAMPLES},
            }
        )

    return list


def _family(family: Any) -> dict[str, Any]:
    about = {name: asdict(k) | {"type": k.type.__name__} for name, k in knobs(family.Config).items()}
    presets = {key: {"title": preset.title, "settings": dict(preset.settings)} for key, preset in family.presets.items()}
    return {"title": family.title, "summary": family.summary, "paper": family.paper_url, "knobs": about, "presets": presets}


async def _run(service: Service, family: str, settings: dict, request: gr.Request) -> AsyncGenerator[tuple[str, dict], None]:
    """Train in a session of its own, yielding (token, look) for each look and once more at the end; the session ends with the generator."""
    token = service.open(family, None, address(request))["token"]
    try:
        service.act(token, {"do": "train", "settings": settings})
        since, state, step, deadline = 0, "starting", 0, time.monotonic() + LIMITS.api_seconds
        while state not in DONE:
            if time.monotonic() > deadline:
                raise Refused(f"The run took longer than {LIMITS.api_seconds:.0f} s and was stopped at step {step:,}.")
            header, _ = frames.unpack(await service.pull(token, since, wait=5))
            since, state = header["seq"], header["state"]
            for row in header["rows"]:
                step = row["s"]
                yield token, {"step": step, "state": "running", "metrics": row["m"]}
        if state != "finished":
            raise Refused(header["message"] or f"The run stopped at step {step:,}.")
        yield token, {"step": step, "state": state, "metrics": {}}
    finally:
        service.leave(token)


def _settings(dataset: Any, steps: Any, seed: Any, settings: Any) -> dict[str, Any]:
    if not isinstance(settings, Mapping):
        raise Refused("settings are not a set of named values.", "settings")
    if isinstance(steps, int | float) and steps > LIMITS.api_steps:
        raise Refused(f"steps is more than {LIMITS.api_steps:,}.", "steps")
    return {**settings, "dataset": dataset, "steps": steps, "seed": seed}


def _count(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, int | float) or not 1 <= n <= SAMPLES or n != int(n):
        raise Refused(f"n is not a whole number in [1, {SAMPLES:,}].", "n")
    return int(n)


def _arrays(snapshot: Snapshot) -> list:
    texts = written(snapshot)
    if texts is not None:
        return texts
    view = drawn(snapshot)
    return (view.pixels if isinstance(view, Images) else view.xy).round(5).tolist()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Tell programs what was wrong with their call, and nothing else."""
    try:
        yield
    except Refused as refused:
        raise gr.Error(str(refused), print_exception=False) from None
