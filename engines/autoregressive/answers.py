"""Which answer belongs to which question of `engines.autoregressive.questions`. Answering draws from streams of its own and changes
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from engines.autoregressive import anomaly
from engines.autoregressive import answers_pixels as pixels
from engines.autoregressive import answers_speed as speed
from engines.autoregressive import answers_text as text
from engines.autoregressive import answers_writing as writing
from engines.autoregressive import questions as q
from engines.autoregressive import questions_writing as w
from engines.autoregressive.receptive import blindspot
from engines.core import Snapshot

if TYPE_CHECKING:
    from engines.autoregressive.engine import AutoregressiveEngine

Answer = Callable[..., Iterator[Snapshot | None]]


def answer(engine: AutoregressiveEngine, question: Any) -> Iterator[Snapshot | None]:
    """See `engines.core.Engine.answer`."""
    found = (TEXT if engine.text else PIXELS).get(type(question))
    if found is None:
        if type(question) in TEXT | PIXELS:
            raise ValueError(f"{type(question).__name__.lower()} is a question to models of {'images' if engine.text else 'texts'}")
        raise ValueError(f"an autoregressive model has no answer to {type(question).__name__}")
    return found(engine, question)


TEXT: dict[type[Any], Answer] = {
    q.Next: text.next_token,
    q.Surprise: text.surprise,
    q.Attention: text.attention,
    q.Lens: text.lens,
    q.Receptive: text.receptive,
    q.Context: text.context,
    q.Continue: text.go_on,
    q.Memorised: text.memorised,
    q.Speculative: text.drafted,
    q.Baselines: text.baselines,
    w.Sampling: writing.sampling,
    w.Temperatures: writing.temperatures,
    w.Leak: writing.leak,
    w.Strange: anomaly.texts,
    w.Stopwatch: speed.stopwatch,
    w.Reference: speed.reference,
}
PIXELS: dict[type[Any], Answer] = {
    q.Receptive: pixels.receptive,
    q.Pixel: pixels.pixel,
    q.Draw: pixels.drawn,
    q.Likelihood: pixels.likelihood,
    q.Complete: pixels.complete,
    q.Anomaly: anomaly.images,
    w.Blindspot: blindspot,
}
