"""A run of the compiled twin: resumed, cut into chunks, looked at, on other vectors; and which twin is built when."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from engines.gan.build import build
from engines.gan.config import Request, resolve
from engines.gan.fused import FusedGan, compiled, covers, warm
from engines.loop import advance, first_look
from engines.state import pack, unpack
from tests.engines.conftest import layer


def fused(**settings):
    return FusedGan(resolve(settings))


def train(engine, *chunks):
    for n in chunks:
        engine.train_steps(n)
    return engine


def test_the_padding_stays_zero():
    engine = fused(objective="r3gan", width_g=5, width_d=9, batch=9, fourier=1, noise_dim=3, gp=0.1, clip=0.2)
    engine.train_steps(30)
    for flat in engine._flat.values():
        for values in (flat.values, flat.first, flat.second, flat.average):
            held = sum(view.abs().sum().item() for view in flat.views(values))
            np.testing.assert_allclose(np.abs(values).sum(), held, rtol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"objective": "wgan-gp", "noise": "normal"}, {"objective": "lsgan", "n_critic": 2}], ids=str)
def test_resumed_is_bit_for_bit_the_same_run(settings):
    whole = train(fused(seed=1, **settings), 40)
    resumed = fused(seed=1, **settings)
    unpack(resumed, pack(train(fused(seed=1, **settings), 20)))
    assert resumed.step == 20
    assert pack(train(resumed, 20)) == pack(whole)


def test_packed_before_the_first_step():
    blob, engine = pack(fused()), train(fused(), 3)
    fresh = fused()
    unpack(fresh, blob)
    assert pack(train(fresh, 3)) == pack(engine)
    unpack(engine, blob)
    assert pack(train(engine, 3)) == pack(fresh)


def test_chunks_do_not_matter():
    settings = {"objective": "r3gan", "gp": 0.1, "penalty_every": 3, "seed": 4}
    once, often, stepwise = fused(**settings), fused(**settings), fused(**settings)
    values = once.train_steps(30)
    train(often, 1, 7, 2, 20)
    rows = [stepwise.train_step() for _ in range(30)]
    assert pack(once) == pack(often) == pack(stepwise)
    for name, column in values.items():
        np.testing.assert_array_equal(column, [float(row[name]) for row in rows if name in row])
    assert len(values["penalty"]) == 10


def test_the_loop_sees_the_same_whatever_the_chunk():
    looks = []
    for chunk in (1, 7, 256):
        engine = fused(seed=2)
        engine.chunk = chunk
        snapshots = [s for s in advance(engine, steps=60, every=25) if s is not None]
        assert [s.step for s in snapshots] == [25, 50, 60]
        looks.append([s.metrics for s in snapshots])
    assert looks[0] == looks[1] == looks[2]


def test_looking_evaluating_and_sampling_change_nothing():
    quiet, watched = fused(seed=5), fused(seed=5)
    for _ in range(5):
        quiet.train_steps(3)
        watched.train_steps(3)
        first_look(watched)
        watched.backdrop()
        watched.health()
        list(watched.sample(Request(n=16)))
    assert pack(quiet) == pack(watched)


def test_what_is_looked_at_is_what_was_trained():
    engine = fused()
    before = layer(engine.look(), "samples").xy.copy()
    train(engine, 200)
    after = layer(engine.look(), "samples").xy
    assert np.abs(before - after).max() > 0.1 and engine.evaluate()["sliced_w1"] > 0


def test_networks_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"G: net.layers.0.weight is \(16, 2\) in the checkpoint and \(32, 2\) in the engine"):
        unpack(fused(), pack(fused(width_g=16)))


def test_one_player_at_a_time():
    engine = fused()

    def state(name):
        return [p.clone() for p in getattr(engine, name).parameters()]

    g, d = state("G"), state("D")
    assert engine.train_step("d").keys() == {"d_loss", "d_accuracy", "d_grad_norm", "penalty"}
    assert all(torch.equal(a, b) for a, b in zip(g, state("G"), strict=True)) and not torch.equal(d[0], state("D")[0])
    d = state("D")
    assert engine.train_step("g").keys() == {"g_loss", "g_grad_norm"}
    assert all(torch.equal(a, b) for a, b in zip(d, state("D"), strict=True)) and not torch.equal(g[0], state("G")[0])
    assert engine.step == 0
    with pytest.raises(ValueError, match="part='x'"):
        engine.train_step("x")


def test_knobs_that_may_change_while_training():
    engine = fused(objective="non-saturating")
    assert "penalty" not in engine.train_step()
    engine.set(r1=0.5, n_critic=3)
    assert "penalty" in engine.train_step()
    assert engine.updates.tolist() == [2, 4]
    before = [p.clone() for p in engine.G.parameters()]
    engine.set(lr_g=1e-5)
    engine.train_step()
    assert max((a - b).abs().max().item() for a, b in zip(before, engine.G.parameters(), strict=True)) < 1e-4


def test_a_lost_run_stops_at_the_step_that_lost_it():
    engine = fused()
    train(engine, 5)
    engine.D.net.layers[0].bias.data[0] = float("nan")
    assert len(engine.train_steps(50)["d_loss"]) == 1 and engine.step == 6


def test_random_numbers_are_what_they_should_be():
    """Uniform, normal and index draws of the kernel, by their moments and by Kolmogorov-Smirnov."""
    from scipy import stats

    uniform = fused(batch=512, noise_dim=64)
    normal = fused(batch=512, noise_dim=64, noise="normal")
    for engine, law in ((uniform, stats.uniform(-1, 2)), (normal, stats.norm())):
        engine.train_step()
        net, tile = engine._net_g, len(engine._table.arena[: engine._net_g.sizes[0]])
        z = engine._table.arena[net.h[0] : net.h[1]].reshape(-1, tile)
        drawn = z[z != 0][:32_000].astype(float)
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-4
        assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_means_of_many_steps():
    once, stepwise = fused(), fused()
    means = once.run_steps(20)
    np.testing.assert_allclose(means["g_loss"], np.mean([float(stepwise.train_step()["g_loss"]) for _ in range(20)]), rtol=1e-6)
    assert once.step == 20


def test_warming_leaves_compiled_code():
    warm()
    assert compiled()


def test_which_twin_is_built(monkeypatch):
    monkeypatch.delenv("PLAYGROUND_ENGINE", raising=False)
    assert build(resolve({})).twin == "numba"
    assert not covers(resolve({}), "cuda") and not covers(resolve({"dataset": "digits"}))
    monkeypatch.setenv("PLAYGROUND_ENGINE", "torch")
    assert build(resolve({})).twin == "torch"
    monkeypatch.setenv("PLAYGROUND_ENGINE", "other")
    with pytest.raises(ValueError, match="PLAYGROUND_ENGINE=other"):
        build(resolve({}))
    monkeypatch.setenv("PLAYGROUND_ENGINE", "fused")
    with pytest.raises(ValueError, match="does not cover digits"):
        build(resolve({"dataset": "digits"}))


def test_without_numba_torch_takes_over():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "from engines.gan.build import build\nfrom engines.gan.config import resolve\nprint(build(resolve({})).twin)"
    )
    assert _python(code).split() == ["torch"]


def test_the_web_process_imports_no_numba():
    assert _python("import sys, engines.registry, engines.gan.config\nprint('numba' in sys.modules)").split() == ["False"]


PROGRAM = """
import json, sys
from engines.gan.config import resolve
from engines.gan.fused import FusedGan
engine = FusedGan(resolve(dict(batch=41, objective="r3gan", gp=0.2, width_g=13)))
rows = engine._run(5)
print(json.dumps([rows.tolist(), engine._kernel.COLUMNS]))
"""


@pytest.mark.parametrize("mode", ["plain", pytest.param("narrow", marks=pytest.mark.slow)])  # each is compiled once: 15 s
def test_other_vectors_agree(mode):
    """Plain loops and 8 lanes against this machine's best: the same draws, the same steps up to rounding."""
    rows, columns = json.loads(_python(PROGRAM, PLAYGROUND_KERNEL=mode))
    best, _ = json.loads(_python(PROGRAM))
    assert columns == {"plain": 32, "narrow": 16}[mode]
    np.testing.assert_allclose(rows[0], best[0], rtol=1e-5)
    np.testing.assert_allclose(rows, best, rtol=2e-2)


def _python(code, **environment):
    environment = {**os.environ, "PYTHONPATH": ".", **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True).stdout
