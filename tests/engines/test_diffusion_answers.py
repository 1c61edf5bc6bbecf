"""What a diffusion model answers, and that answering changes nothing. Each answer is compared with what can be known without it."""

import numpy as np
import pytest
import torch

from engines.core import Curve, Images, Paths, Points
from engines.diffusion import questions as q
from engines.diffusion.answers_edit import mask_of, repaint
from engines.diffusion.averages import Again
from engines.diffusion.config import SAMPLERS, nfe
from engines.diffusion.oracle import exact_denoiser
from engines.diffusion.parameterisations import PARAMETERISATIONS, as_column
from engines.registry import FAMILIES
from engines.state import pack


@pytest.fixture(scope="module")
def make():
    family = FAMILIES["diffusion"]
    return lambda data=None, **settings: family.build(family.resolve(settings), data=data)


@pytest.fixture(scope="module")
def ring(make):
    engine = make(steps=400)
    for _ in range(400):
        engine.train_step()
    return engine


@pytest.fixture(scope="module")
def digits(make):
    engine = make(dataset="digits", num_steps=4)
    for _ in range(3):
        engine.train_step()
    return engine


class Perfect(torch.nn.Module):
    """A network that answers as the exact denoiser would have it."""

    def __init__(self, engine):
        super().__init__()
        self.exact, self.p = exact_denoiser(engine.data), PARAMETERISATIONS[engine.config.objective]

    def forward(self, x, c_noise, y=None):
        sigma = as_column((1 + c_noise) / (1 - c_noise), x)  # the flow's clock
        c = self.p.coefficients(sigma)
        return (self.exact(x / c.c_in, sigma) - c.c_skip * x / c.c_in) / c.c_out


@pytest.fixture(scope="module")
def perfect(make):
    engine = make(dataset="gaussian", num_steps=12)
    engine.ema.net = Perfect(engine)
    return engine


def last(engine, question):
    before = pack(engine) if not isinstance(engine.ema.net, Perfect) else None
    *_, snapshot = engine.answer(question)
    assert before is None or pack(engine) == before
    return snapshot


def test_trajectories_begin_where_they_are_asked_to(ring):
    starts = (0.5, -0.5, 2.0, 1.0)
    seen = last(ring, q.Trajectories(starts=starts, sampler="euler", num_steps=7))
    learned, exact = seen.views["learned"][0], seen.views["exact"][0]
    assert isinstance(learned, Paths) and learned.xy.shape == exact.xy.shape == (2, 8, 2)
    np.testing.assert_allclose(learned.xy[:, 0], np.reshape(starts, (2, 2)) * ring.data.scale, rtol=1e-5)
    centres = ring.data.centres
    assert np.linalg.norm(exact.xy[:, -1, None] - centres, axis=2).min(1).max() < 0.1
    assert 0 < seen.metrics["straightness"] <= 1 and seen.metrics["apart"] > 0


def test_a_perfect_network_takes_the_exact_paths(perfect):
    seen = last(perfect, q.Trajectories(n=10))
    assert seen.metrics["apart"] < 1e-4
    np.testing.assert_allclose(seen.views["learned"][0].xy, seen.views["exact"][0].xy, atol=1e-3)


def test_a_perfect_network_has_the_exact_score_and_likelihood(perfect):
    seen = last(perfect, q.ScoreField(sigma=0.4, rows=9))
    assert seen.metrics["score_cosine"] == pytest.approx(1, abs=1e-4) and seen.views["error"][0].values.max() < 1e-3
    np.testing.assert_allclose(seen.views["learned"][0].uv, seen.views["exact"][0].uv, atol=1e-3)
    scaled = seen.views["exact"][0]
    theirs = perfect.data.score(scaled.xy, 0.4 * perfect.data.scale) * (0.4 * perfect.data.scale) ** 2
    np.testing.assert_allclose(scaled.uv, theirs, atol=1e-3)


def test_the_likelihood_of_a_perfect_network_is_exact(perfect):
    seen = last(perfect, q.Likelihood(n=20, num_steps=60))
    assert seen.metrics["log_p"] == pytest.approx(seen.metrics["exact log_p"], rel=0.01, abs=0.02)


def test_a_batch_step_by_step(ring):
    seen = last(ring, q.Denoise(n=5, sampler="dpmpp-2m", num_steps=6))
    assert len(seen.views["x_t"]) == len(seen.views["x0"]) == 6
    assert all(isinstance(v, Points) and v.xy.shape == (5, 2) for v in (*seen.views["x_t"], *seen.views["x0"]))
    np.testing.assert_allclose(seen.views["x_t"][-1].xy, seen.views["x0"][-1].xy, atol=1e-5)  # the last step ends on its estimate
    table = {curve.name: curve.y for curve in seen.views["table"]}
    assert table.keys() == {"sigma", "t", "eps norm", "x0 change"}
    np.testing.assert_allclose(table["t"], table["sigma"] / (1 + table["sigma"]), rtol=1e-5)
    assert table["sigma"][0] == pytest.approx(10) and np.isnan(table["x0 change"][0]) and np.all(table["x0 change"][1:] > 0)
    assert table["eps norm"][0] == pytest.approx(1, abs=0.5)


def test_of_a_long_walk_some_steps_are_kept(ring):
    """Places of the whole walk, each with the estimate that was made from it: the one of the step after."""
    whole = last(ring, q.Denoise(n=3, sampler="euler", num_steps=12)).views
    kept = last(ring, q.Denoise(n=3, sampler="euler", num_steps=12, frames=4)).views
    steps = kept["kept"][0].y.astype(int)
    assert list(steps) == [1, 5, 8, 12] and list(whole["kept"][0].y) == list(range(1, 13)) and len(kept["table"][0].y) == 12
    for k, step in enumerate(steps):
        np.testing.assert_array_equal(kept["x_t"][k].xy, whole["x_t"][step - 1].xy)
        before = steps[k - 1] if k else 0
        np.testing.assert_array_equal(kept["x0"][k].xy, whole["x0"][before].xy)
    np.testing.assert_array_equal(kept["noise"][0].xy, whole["noise"][0].xy)


def test_a_walk_goes_through_its_trajectories(ring):
    """One place in the picture: x_t of a batch lies on the path from its noise, both in the flow's coordinates."""
    views = last(ring, q.Denoise(n=4, sampler="heun", num_steps=5)).views
    starts = tuple(float(v) for v in ((views["noise"][0].xy - ring.data.shift) / ring.data.scale).ravel())
    paths = last(ring, q.Trajectories(starts=starts, sampler="heun", num_steps=5)).views
    walked = np.stack([views["noise"][0].xy, *(v.xy for v in views["x_t"])], 1)
    np.testing.assert_allclose(paths["learned"][0].xy, walked, atol=1e-4)
    np.testing.assert_allclose(paths["sigma"][0].y, [*views["table"][0].y, 0], rtol=1e-6)


def test_the_score_at_several_levels_and_zoomed(perfect):
    levels = (2.0, 0.4)
    seen = last(perfect, q.ScoreField(sigmas=levels, rows=5, zoomed=True))
    assert len(seen.views["learned"]) == len(seen.views["exact"]) == 2 and list(seen.views["cosine"][0].x) == pytest.approx(levels)
    for field, sigma in zip(seen.views["exact"], levels, strict=True):
        places, width = field.xy.astype(float) * (1 + sigma), sigma * perfect.data.scale
        np.testing.assert_allclose(field.uv * (1 + sigma), perfect.data.score(places, width) * width**2, atol=1e-3)


def test_ones_own_points_have_paths_and_a_score_but_nothing_exact(make):
    own = make(data=np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32), dataset="own-2d")
    ways, field = last(own, q.Trajectories(n=2, num_steps=3)), last(own, q.ScoreField(rows=4))
    assert ways.views.keys() == {"learned", "sigma"} and "apart" not in ways.metrics
    assert field.views.keys() == {"learned"} and "score_cosine" not in field.metrics


def test_the_matrix(ring):
    seen = last(ring, q.Matrix(most=5, n=200))
    names = [v.name for v in seen.views["cells"]]
    assert len(names) == 9 * 4 and names[0] == "heun/1" and "unipc/5" in names
    curves = {c.name: c for c in seen.views["sliced_w1"]}
    assert curves.keys() == SAMPLERS.keys() and curves["heun"].x.tolist() == [nfe("heun", k) for k in (1, 2, 3, 5)]
    assert curves["ddim"].y.tolist() == pytest.approx(curves["euler"].y.tolist(), rel=1e-4)
    assert 0 < seen.metrics["sliced_w1"] < curves["ddpm"].y[0]


def test_guidance_rows(digits):
    seen = last(digits, q.Guidance(scales=(1.0, 3.0), per_class=2))
    assert [v.name for v in seen.views["rows"]] == ["w = 1", "w = 3"]
    assert all(isinstance(v, Images) and v.pixels.shape == (20, 1, 8, 8) for v in seen.views["rows"])
    assert all(isinstance(seen.views[name][0], Curve) and len(seen.views[name][0].y) == 2 for name in ("obeyed", "diversity"))


def test_little_noise_keeps_an_example_and_much_does_not(ring):
    kept, lost = (last(ring, q.Edit(sigma=s, n=16)).metrics["distance"] for s in (0.01, 10.0))
    assert kept < 0.05 < 0.3 < lost


def test_editing_ones_own(ring, digits):
    seen = last(ring, q.Edit(pixels=(0.3, -0.2), sigma=0.5, n=3))
    np.testing.assert_allclose(seen.views["original"][0].xy, [[0.3, -0.2]], rtol=1e-5)
    assert seen.views["results"][0].xy.shape == (3, 2)
    assert last(digits, q.Edit(n=3, label=2)).views["results"][0].label.tolist() == [2, 2, 2]


@pytest.mark.parametrize("half", q.HALVES)
def test_the_known_half_stays(digits, half):
    seen = last(digits, q.Inpaint(half=half, n=3))
    original, done = seen.views["original"][0].pixels, seen.views["completions"][0].pixels
    known = mask_of((1, 8, 8), half)[0].bool().numpy()
    np.testing.assert_allclose(done[:, known], np.broadcast_to(original[:, known], (3, 32)), atol=1e-5)
    assert np.abs(done[0, ~known] - done[1, ~known]).max() > 0.01
    variance = seen.views["variance"][0].values[::-1]
    assert np.abs(variance[known[0]]).max() < 1e-9 < variance[~known[0]].max()


def test_repeats_bring_the_halves_together():
    """Two pixels that are always equal, one of them known: with the exact denoiser, repeating the steps makes the other follow."""

    def denoise(x, sigma):  # of x0 = (a, a), a standard normal
        return (x.mean(1, keepdim=True) * 2 / (2 + sigma**2)).expand_as(x)

    errors = []
    for repeats in (1, 4):
        generator = torch.Generator().manual_seed(0)
        noise = lambda x, g=generator: torch.randn(x.shape, generator=g)  # noqa: E731
        known, mask, sigmas = torch.full((500, 2), 1.5), torch.tensor([[1.0, 0.0]]), torch.tensor([8.0, 3.0, 1.0, 0.3, 0.1, 0.0])
        *_, x = repaint(denoise, 8 * noise(known), known, mask, sigmas, noise, repeats)
        assert torch.equal(x[:, 0], known[:, 0])
        errors.append(float((x[:, 1] - 1.5).abs().mean()))
    assert errors[1] < 0.6 * errors[0]


def test_inversion_finds_noise_and_comes_back(perfect):
    seen = last(perfect, q.Invert(n=30, num_steps=200))
    assert seen.metrics["distance"] < 0.03 and seen.metrics["noise size"] == pytest.approx(1, abs=0.2)


REFUSED = [
    (q.Trajectories(starts=(1.0,)), "ring", "not pairs"),
    (q.Inpaint(), "ring", "needs images"),
    (q.Bound(), "ring", "are of pixels"),
    (q.Guidance(), "ring", "needs conditional"),
    (q.ScoreField(), "digits", "for points in the plane"),
    (q.Denoise(label=10), "digits", "label=10 is outside"),
    (q.Edit(index=999), "digits", "index=999 is outside"),
    (q.Edit(pixels=(1.0,)), "digits", "pixels holds 1 numbers"),
    (q.Parity(num_steps=12), "ring", "12 does not divide 1000"),
    pytest.param(object(), "ring", "no answer to object", id="not a question"),
]


@pytest.mark.parametrize(("question", "engine", "words"), REFUSED, ids=str)
def test_what_makes_no_sense_is_refused(question, engine, words, request):
    with pytest.raises(ValueError, match=words):
        list(request.getfixturevalue(engine).answer(question))


def test_the_bound_is_tight_for_a_perfect_denoiser():
    """Pixels that are −1 or 1, each alike: one bit per dimension, which the exact denoiser tanh(x / sigma²) reaches."""
    from engines.diffusion.bound import decoder_bits, diffusion_bits, prior_bits

    generator, lo, hi, n = torch.Generator().manual_seed(0), 0.2, 60.0, 20_000
    x0 = torch.randint(2, (n, 8), generator=generator).double() * 2 - 1
    sigma = (np.log(lo) + np.log(hi / lo) * (torch.arange(n) + 0.5).double() / n).exp()
    eps = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    parts = (
        diffusion_bits(lambda x, s: torch.tanh(x / s**2), x0, sigma, eps, float(np.log(hi / lo))),
        prior_bits(x0, hi),
        decoder_bits(x0, torch.tensor([-1.0, 1.0]).double(), lo, eps),
    )
    assert sum(float(p.mean()) for p in parts) == pytest.approx(1, abs=0.02)


def test_bits_of_images(digits):
    seen = last(digits, q.Bound(n=60))
    parts = [seen.metrics[name] for name in ("prior", "diffusion", "decoder")]
    assert seen.metrics["bits_per_dim"] == pytest.approx(sum(parts)) and min(parts) >= 0
    assert seen.metrics["uniform"] == pytest.approx(np.log2(17)) and len(seen.views["bits_by_noise"][0].y) == 12


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("sampler", ["ddim", "euler", "heun", "dpmpp-2m", "unipc", "flow-euler"])
def test_diffusers_walks_the_same_way(ring, sampler):
    """The trained network in diffusers' samplers and in ours, on diffusers' grid."""
    seen = last(ring, q.Parity(sampler=sampler, num_steps=10))
    assert len(seen.views["difference"][0].y) == 10 and seen.metrics["largest difference"] < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("method", q.METHODS)
def test_a_student_is_better_in_one_step_than_its_teacher(ring, method):
    seen = last(ring, q.Distil(method=method, steps=1_500))
    distance = {curve.name: curve.y for curve in seen.views["sliced_w1"]}
    assert distance["student"][0] < 0.4 * distance["teacher"][0]


def test_a_student_leaves_the_run_alone(ring):
    for method in q.METHODS:
        seen = last(ring, q.Distil(method=method, steps=8, n=50))
        assert [v.name for v in seen.views["student"]] == ["1", "2", "4", "8"] and len(seen.views["loss"][0].y) == 8


def test_progressive_distillation_aims_at_what_two_steps_reach(perfect):
    """The target of a student: the estimate whose one DDIM step lands where two of the teacher's do."""
    from engines.diffusion.distill import ddim_step

    denoise, generator = exact_denoiser(perfect.data), torch.Generator().manual_seed(0)
    x = 3 * torch.randn((20, 2), generator=generator)
    sigma, middle, end = (as_column(s, x) for s in (3.0, 1.5, 0.7))
    landed = ddim_step(denoise, ddim_step(denoise, x, sigma, middle), middle, end)
    target = (landed - end / sigma * x) / (1 - end / sigma)
    torch.testing.assert_close(ddim_step(lambda x, s: target, x, sigma, end), landed)


def test_the_matrix_by_calls_of_the_denoiser(ring, digits):
    seen = last(ring, q.Matrix(samplers="heun", calls=(1, 2, 5, 10), n=200))
    assert [v.name for v in seen.views["cells"]] == ["heun/1", "heun/1", "heun/3", "heun/5"]
    assert seen.views["sliced_w1"][0].x.tolist() == [1, 1, 5, 9] and seen.metrics["n"] == 200
    assert {k: round(v, 1) for k, v in seen.metrics.items() if k.startswith("gain")} == {
        "gain/heun/1": 0,
        "gain/heun/3": 71.9,
        "gain/heun/5": 10.4,
    }
    images = last(digits, q.Matrix(samplers="ddim", calls=(1, 2), n=30))
    assert 0 < images.metrics["sliced_w1"] < images.views["sliced_w1"][0].y[0] and images.metrics["n"] == 30


def test_forward_is_the_schedules_own(ring, digits):
    seen = last(ring, q.Forward(schedule="cosine", n=400, moments=11))
    t = np.linspace(0, 1, 11)
    level = {v.name: v.y for v in seen.views["at"]}
    # Nichol & Dhariwal, 2021, eq. 17, away from the ends where betas are clipped
    cosine = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(level["alphas_cumprod"][1:-1], cosine[1:-1], rtol=0.01, atol=0.002)
    np.testing.assert_allclose(level["snr"], 10 * np.log10(level["alphas_cumprod"] / (1 - level["alphas_cumprod"])), atol=0.05)
    assert {c.name for c in seen.views["snr"]} == {"lognormal", "uniform", "linear", "cosine", "sigmoid"}
    layers = seen.views["x_t"]
    assert [layers[0].name, layers[-1].name] == ["t = 0", "t = 1"] and layers[0].role == "data"
    data = ring.data
    away = lambda xy: np.linalg.norm(xy - data.centres[:, None], axis=2).min(0)  # noqa: E731
    assert np.median(away(layers[0].xy)) < 0.1 < np.median(away(layers[-1].xy))
    assert np.std(layers[-1].xy) == pytest.approx(data.scale, rel=0.15), "pure noise has the data's size"
    median = next(c for c in seen.views["sigma"] if c.name == "lognormal")
    assert median.y[100] == pytest.approx(np.exp(ring.config.noise_mean), rel=1e-5)
    assert last(digits, q.Forward(n=300, moments=3)).views["x_t"][0].pixels.shape == (16, 1, 8, 8)


def test_only_fresh_noise_parts_two_runs(ring, digits):
    seen = last(ring, q.Eta(etas=(0.0, 0.3, 1.0), n=200, num_steps=10))
    apart = seen.views["apart"][0].y
    assert apart[0] == 0 and 0 < apart[1] < apart[2] < 1.2 * seen.metrics["unrelated"]
    np.testing.assert_array_equal(seen.views["first"][0].xy, seen.views["second"][0].xy)
    assert [v.name for v in seen.views["second"]] == ["η = 0", "η = 0.3", "η = 1"] and seen.metrics["steps"] == 10
    images = last(digits, q.Eta(etas=(0.0, 1.0), n=100))
    assert images.views["apart"][0].y[0] == 0 < images.views["apart"][0].y[1] and images.metrics["n"] == 32


def test_averages_of_the_run_made_again(make, ring):
    engine = make(steps=60)
    first = [w.clone() for w in engine.net.parameters()]
    again = Again(engine, (0.9, 0.99))
    assert all(torch.equal(a, b) for a, b in zip(first, again.run.net.parameters(), strict=True))
    weights = []
    for _ in again.train(12):
        weights.append(torch.cat([w.detach().flatten().clone() for w in again.run.net.parameters()]))
    mean = torch.cat([w.flatten() for w in first])
    for k, w in enumerate(weights):  # the definition, with its warm-up
        decay = min(0.9, (1 + k) / (10 + k))
        mean = decay * mean + (1 - decay) * w
    found = torch.cat([w.flatten() for w in again.nets["EMA 0.9"].parameters()])
    torch.testing.assert_close(found, mean, rtol=1e-4, atol=1e-5)
    cold = torch.cat([w.flatten() for w in again.nets["EMA 0.99 without warm-up"].parameters()])
    start = torch.cat([w.flatten() for w in first])
    assert (cold - start).norm() < 0.3 * (found - start).norm(), "without warm-up the first weights still count"
    seen = last(ring, q.Averages(steps=30, decays=(0.9,), n=100, num_steps=3))
    assert [v.name for v in seen.views["now"]] == ["raw", "averaged"]
    assert seen.metrics["averaged/validation_mse"] == pytest.approx(ring.evaluate()["validation_mse"], rel=1e-5)
    assert {c.name for c in seen.views["validation_mse"]} == {"raw", "EMA 0.9", "EMA 0.9 without warm-up"}
    assert seen.views["sliced_w1"][0].x[-1] == 30 and seen.views["again"][-1].name == "EMA 0.9 without warm-up/30"
    assert "again" not in last(ring, q.Averages(n=50, num_steps=2)).views


def test_scenes_of_a_latent_run(make):
    engine = make(dataset="digits", space="latent", batch=32, width=32, depth=2, num_steps=3, steps=20)
    with pytest.raises(ValueError, match="too early"):
        last(engine, q.Averages())
    while engine.begun < 2:
        engine.train_step()
    assert last(engine, q.Forward(n=4, moments=3)).views["x_t"][1].pixels.shape == (4, 1, 8, 8)
    assert last(engine, q.Eta(etas=(0.0, 1.0), n=10)).views["apart"][0].y[0] == 0
    seen = last(engine, q.Averages(steps=2, decays=(0.9,), n=10))
    assert seen.views["sliced_w1"][0].x[-1] == 2 and len(seen.views["again"]) == 3 * len(seen.views["sliced_w1"][0].x)
    assert last(engine, q.Matrix(samplers="ddim", calls=(1,), n=10)).metrics["n"] == 10
