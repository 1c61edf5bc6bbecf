"""The training loop, with an engine of ten lines whose loss is its step number."""

import math

import numpy as np
import pytest
import torch

from engines.core import Diverged
from engines.loop import advance, first_look


class Counter:
    """One step = one more; the loss of D is the step, the loss of G comes from a list."""

    def __init__(self, g_losses=(), weight=1.0):
        self.step, self.g_losses, self.weight, self.looks, self.evaluations = 0, g_losses, weight, [], []

    def train_step(self, part=None):
        self.step += 1
        g = self.g_losses[self.step - 1] if self.step <= len(self.g_losses) else 1.0
        return {"d_loss": torch.tensor(float(self.step)), "g_loss": torch.tensor(g)}

    def look(self):
        self.looks.append(self.step)
        return {"stage": ()}

    def evaluate(self):
        self.evaluations.append(self.step)
        return {"sliced_w1": 0.5}

    def health(self):
        return {"the largest weight of G": torch.tensor(self.weight)}


def test_cadence_and_means():
    engine = Counter()
    seen = list(advance(engine, steps=10, every=4, evaluate_every=2))
    assert len(seen) == 10 and engine.looks == [4, 8, 10] and engine.evaluations == [8, 10]
    snapshots = [s for s in seen if s is not None]
    assert [s.step for s in snapshots] == [4, 8, 10]
    assert [s.metrics["d_loss"] for s in snapshots] == [2.5, 6.5, 9.5]  # means since the last look
    assert "sliced_w1" not in snapshots[0].metrics and snapshots[1].metrics["sliced_w1"] == 0.5


def test_a_resumed_run_looks_at_the_same_steps():
    engine = Counter()
    for _ in advance(engine, steps=6, every=4):
        pass
    engine.looks.clear()
    list(advance(engine, steps=6, every=4))
    assert engine.looks == [8, 12]


def test_the_loop_can_be_left_at_any_yield():
    engine = Counter()
    for _ in advance(engine, steps=100, every=10):
        if engine.step == 7:
            break
    assert engine.step == 7


def test_first_look_does_not_train():
    engine = Counter()
    snapshot = first_look(engine)
    assert (snapshot.step, engine.step, snapshot.metrics) == (0, 0, {"sliced_w1": 0.5})


@pytest.mark.parametrize(("value", "words"), [(math.nan, "not a number"), (math.inf, "infinite"), (-math.inf, "infinite")])
def test_a_loss_that_is_not_finite_stops_at_once(value, words):
    engine = Counter(g_losses=[1.0] * 12 + [value])
    with pytest.raises(Diverged, match=f"loss of G is {words} at step 13") as error:
        list(advance(engine, steps=100, every=50))
    assert (error.value.step, error.value.quantity) == (13, "loss of G")


def test_a_weight_beyond_a_thousand_stops_at_the_next_look():
    with pytest.raises(Diverged, match="the largest weight of G reached 1,500 at step 5"):
        list(advance(Counter(weight=1500.0), steps=100, every=5))
    assert len(list(advance(Counter(weight=999.0), steps=20, every=5))) == 20


def test_a_loss_far_above_its_usual_size_stops_after_twenty_steps():
    with pytest.raises(Diverged, match="loss of G rose to 70") as error:
        list(advance(Counter(g_losses=[1.0] * 100 + [70.0] * 100), steps=200, every=5))
    assert error.value.step == 120
    brief = [1.0] * 100 + [70.0] * 15 + [1.0] * 85
    assert len(list(advance(Counter(g_losses=brief), steps=200, every=5))) == 200


class Chunked(Counter):
    """Makes up to `chunk` steps at a time; stops after a loss that is not finite."""

    def __init__(self, chunk=3, **kwargs):
        super().__init__(**kwargs)
        self.chunk, self.calls = chunk, []

    def train_steps(self, n):
        rows = []
        for _ in range(n):
            rows.append({name: value.item() for name, value in self.train_step().items()})
            if not math.isfinite(rows[-1]["g_loss"]):
                break
        self.calls.append(len(rows))
        return {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_chunks_never_pass_a_look_and_change_nothing_that_is_seen(chunk):
    engine, single = Chunked(chunk), Counter()
    seen = [s for s in advance(engine, steps=10, every=4, evaluate_every=2) if s is not None]
    assert seen == [s for s in advance(single, steps=10, every=4, evaluate_every=2) if s is not None]
    assert engine.looks == [4, 8, 10] and max(engine.calls) == min(chunk, 4) and sum(engine.calls) == 10


def test_a_chunk_ends_with_the_step_that_went_wrong():
    with pytest.raises(Diverged, match="loss of G is not a number at step 13"):
        list(advance(Chunked(100, g_losses=[1.0] * 12 + [math.nan]), steps=100, every=50))
