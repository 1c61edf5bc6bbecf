"""Questions about a VAE: what is answered, what is refused, and that answering changes nothing."""

import numpy as np
import pytest
import torch

from engines.config import from_dict, knobs
from engines.core import Bars, Curve, Ellipses, Heat, Images
from engines.registry import FAMILIES
from engines.state import pack
from engines.vae import aggregated
from engines.vae.answers import centred, slerp
from engines.vae.probe_images import laplacian_energy
from engines.vae.questions import QUESTIONS

FAMILY = FAMILIES["vae"]


def trained(steps=60, **settings):
    engine = FAMILY.build(FAMILY.resolve(dict(dataset="digits", width=64, batch=64) | settings))
    for _ in range(steps):
        engine.train_step()
    return engine


@pytest.fixture(scope="module")
def two():
    return trained()


@pytest.fixture(scope="module")
def six():
    return trained(latent=6)


def ask(engine, name, **values):
    *_, last = engine.answer(from_dict(QUESTIONS[name], values))
    return last


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("settings", [{}, {"latent": 6}, {"conditional": True, "likelihood": "logistic"}, {"dataset": "moons"}], ids=str)
def test_every_question_is_answered_or_refused_and_changes_nothing(name, settings):
    engine = trained(2, **settings)
    before = pack(engine)
    try:
        answer = ask(engine, name, **({"n": 200} if name == "estimators" else {"n": 10} if name == "bounds" else {}))
        assert answer.views and all(np.isfinite(v) for v in answer.metrics.values())
        assert all(type(v) is float for v in answer.metrics.values())
    except ValueError as error:
        assert (name, settings.get("latent"), settings.get("dataset")) in {
            ("posterior", 6, None),
            ("arithmetic", None, "moons"),
            ("blur", None, "moons"),
        }, error
    assert pack(engine) == before


@pytest.mark.parametrize("name", [q for q in QUESTIONS if q not in ("prior", "manifold", "reparameterise", "examples")])
def test_codes_have_no_answer_to_most_questions(name):
    with pytest.raises(ValueError):
        ask(trained(1, objective="vq-vae"), name, **({"source": "model"} if name == "estimators" else {}))


def test_a_sweep_moves_one_latent(six):
    (row,) = ask(six, "decode", z=[0.5, -0.5], sweep=2).views["decode"]
    assert isinstance(row, Images) and row.pixels.shape == (11, 1, 8, 8)
    z = torch.zeros(11, 6)
    z[:, 0], z[:, 1] = 0.5, torch.linspace(-3, 3, 11)
    with torch.no_grad():
        expected = 2 * torch.sigmoid(six.decoder(z)) - 1
    np.testing.assert_allclose(row.pixels, expected.numpy(), atol=1e-6)


def test_what_is_near_a_place_is_nearest_of_all(two):
    found = ask(two, "decode", z=[0.3, 0.2])
    mu = two.probe.seen(two).mu.numpy()
    away = np.linalg.norm(mu - [0.3, 0.2], axis=1)
    assert int(found.metrics["nearest_index"]) == away.argmin() and found.metrics["nearest_distance"] == pytest.approx(away.min(), abs=1e-5)
    assert found.metrics["log_prior"] == pytest.approx(-np.log(2 * np.pi) - (0.3**2 + 0.2**2) / 2, abs=1e-5)


def test_an_image_that_is_sent_is_encoded_as_the_same_test_image(two):
    pixels = two.probe.pixels[7].ravel().tolist()
    sent, kept = ask(two, "encode", pixels=pixels), ask(two, "encode", index=7)
    np.testing.assert_allclose(sent.views["encode"][0].values, kept.views["encode"][0].values, atol=1e-6)
    assert sent.metrics["nearest_index"] == 7 and sent.metrics["nearest_distance"] < 1e-5
    drawn, mean, draws = sent.views["reconstructions"]
    assert len(drawn.pixels) == len(mean.pixels) == 1 and len(draws.pixels) == 8
    assert sent.metrics["neg_elbo"] == pytest.approx(sent.metrics["recon"] + sent.metrics["kl"])
    assert isinstance(sent.views["latent"][1], Ellipses)


def test_ink_is_moved_to_the_middle():
    pixels = np.full((1, 28, 28), -1.0, np.float32)
    pixels[0, 2:5, 20:25] = 1
    ys, xs = np.nonzero(centred(pixels)[0] > 0)
    assert abs(ys.mean() - 13.5) <= 0.5 and abs(xs.mean() - 13.5) <= 0.5
    np.testing.assert_array_equal(centred(np.full((1, 8, 8), -1.0)), np.full((1, 8, 8), -1.0))


def test_rows_between_two_examples_begin_and_end_at_them(two):
    answer = ask(two, "interpolate", a=3, b=5, n=7)
    lerp, arc, pixels = answer.views["interpolate"]
    assert (lerp.name, arc.name, pixels.name) == ("lerp", "slerp", "pixels")
    np.testing.assert_allclose(pixels.pixels[[0, -1]], two.probe.pixels[[3, 5]], atol=1e-6)
    np.testing.assert_allclose(lerp.pixels[[0, -1]], arc.pixels[[0, -1]], atol=1e-4)
    assert all(isinstance(c, Curve) and len(c.x) == 7 and np.isfinite(c.y).all() for c in answer.views["nll"])


def test_the_arc_keeps_its_length():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    arc = slerp(a, b, torch.linspace(0, 1, 5))
    np.testing.assert_allclose(arc.norm(dim=1), 2.0, rtol=1e-6)
    np.testing.assert_allclose(arc[2], [2**0.5, 2**0.5], rtol=1e-6)


def test_the_true_posterior_is_a_density_and_the_gap_is_not_negative(two):
    answer = ask(two, "posterior", index=4)
    heat, ellipse = answer.views["posterior"]
    assert isinstance(heat, Heat) and isinstance(ellipse, Ellipses)
    x0, x1, y0, y1 = heat.extent
    cell = (x1 - x0) * (y1 - y0) / (heat.values.shape[0] - 1) ** 2
    assert heat.values.sum() * cell == pytest.approx(1, abs=0.02)
    assert answer.metrics["kl_q_posterior"] > 0
    assert answer.metrics["kl_q_posterior"] == pytest.approx(answer.metrics["log_px"] - answer.metrics["elbo"], abs=1e-4)


def test_the_map_of_all_latents_sums_to_one(two, six):
    for engine in (two, six):
        answer = ask(engine, "aggregate")
        for heat in answer.views["aggregate"][:2]:
            assert heat.values.sum() * (8 / 59) ** 2 == pytest.approx(1, abs=0.03)
        assert answer.metrics["aggregate_kl"] >= answer.metrics["aggregate_kl/sure"] >= 0
        assert answer.metrics["n"] == len(engine.examples), "of all examples, as the heading says"


def test_holes_are_where_the_prior_goes_and_no_example_does(two):
    """The share of N(0, I) within two standard deviations in cells where q(z) has less than a tenth of it."""
    answer = ask(two, "aggregate")
    q, p, holes = (heat.values for heat in answer.views["aggregate"])
    axis = np.linspace(-4, 4, 60)
    inside = np.hypot(*np.meshgrid(axis, axis)) <= 2
    assert ((q < 0.1 * p) & inside == (holes == 1)).mean() > 0.999, "but for rounding to float32"
    assert answer.metrics["holes"] == pytest.approx(p[holes == 1].sum() / p[inside].sum(), abs=1e-3)


def test_holes_have_a_floor_that_falls_with_the_number_of_examples(two):
    """With narrow posteriors a thousand examples leave cells of N(0, I) empty even where q(z) is N(0, I); ten thousand leave none."""
    plane, shares = two.probe.seen(two).plane, {}
    for n in (1_000, 10_000):
        sigma = torch.full((n, 2), 0.04)
        shares[n] = finished(aggregated.of_the_prior(plane, sigma, torch.Generator().manual_seed(0)))
    assert 0.01 < np.mean(shares[1_000]) < 0.12 and max(shares[10_000]) < 1e-3
    answer = ask(two, "aggregate").metrics
    assert answer["floor/holes/lo"] <= answer["floor/holes"] <= answer["floor/holes/hi"]


def test_a_density_is_the_mean_over_a_cell(two):
    """Of a posterior as wide as a cell: close to SciPy's integral of it over each cell."""
    from scipy.stats import norm

    plane, sigma = two.probe.seen(two).plane, torch.tensor([[0.2, 0.15]])
    got = finished(aggregated.density(plane, torch.tensor([[0.3, -0.7]]), sigma, aggregated.PLACES))
    low, high = aggregated.PLACES - aggregated.CELL / 2, aggregated.PLACES + aggregated.CELL / 2
    parts = [norm(m, s).cdf(high[:, k]) - norm(m, s).cdf(low[:, k]) for k, (m, s) in enumerate([(0.3, 0.2), (-0.7, 0.15)])]
    np.testing.assert_allclose(got, parts[0] * parts[1] / aggregated.CELL**2, atol=0.02 * got.max())


def finished(parts):
    """What a generator returns."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


def test_a_cloud_is_the_means_along_their_principal_directions(six):
    """Against the singular values of the centred means."""
    answer = ask(six, "cloud")
    points, third = answer.views["cloud"]
    places = np.column_stack([points.xy, third.y])
    mu = six.probe.seen(six).mu.numpy()
    s = np.linalg.svd(mu - mu.mean(0), compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(places - places.mean(0), axis=0), s[:3], rtol=1e-3)
    assert [answer.metrics[f"share/{i + 1}"] for i in range(3)] == pytest.approx(s[:3] ** 2 / (s**2).sum(), rel=1e-3)
    assert len(points.label) == len(mu) == answer.metrics["n"]


def test_a_cloud_of_two_latents_lies_under_its_density(two):
    answer = ask(two, "cloud")
    points, third = answer.views["cloud"]
    seen = two.probe.seen(two)
    np.testing.assert_array_equal(points.xy, seen.mu.numpy())
    bells = torch.distributions.Normal(seen.mu, seen.sigma)
    log_q = torch.logsumexp(bells.log_prob(seen.mu[:3, None]).sum(2), 1) - np.log(len(seen.mu))
    assert third.name == "log q(z)"
    np.testing.assert_allclose(third.y[:3], log_q, rtol=1e-4)


def test_one_latent_has_no_cloud():
    with pytest.raises(ValueError, match="latent=1"):
        ask(trained(1, latent=1), "cloud")


def test_bounds_are_ordered(two):
    answer = ask(two, "bounds", n=30)
    (bars,) = answer.views["bounds"]
    assert isinstance(bars, Bars) and bars.labels == ("−ELBO", "IWAE-5", "IWAE-50", "IWAE-500", "exact")
    assert (np.diff(bars.values[:4]) <= 0).all() and bars.values[4] <= bars.values[3] + 0.02


def test_both_priors_give_samples_and_a_distance(two):
    floor = two.backdrop().metrics["frechet_distance"]
    for name in ("normal", "mixture"):
        answer = ask(two, "prior", prior=name, n=16)
        assert answer.views["prior"][0].pixels.shape == (16, 1, 8, 8)
        assert answer.metrics["frechet_multiple"] == pytest.approx(answer.metrics["frechet_distance"] / floor)


@pytest.mark.parametrize(
    ("question", "values", "named"),
    [
        ("decode", {"z": [0.0, 0.0, 0.0]}, "z holds 3 numbers"),
        ("decode", {"sweep": 3}, "sweep=3"),
        ("decode", {"label": 10}, "label=10"),
        ("encode", {"pixels": [0.0] * 10}, "pixels holds 10 numbers"),
        ("encode", {"index": 900}, "index=900"),
        ("posterior", {"index": 900}, "index=900"),
        ("arithmetic", {"plus": 10}, "plus=10"),
    ],
)
def test_what_does_not_fit_the_run_is_named(two, question, values, named):
    with pytest.raises(ValueError, match=named):
        ask(two, question, **values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"z": 3.0}, "z=3.0 is not a list of at most 64 numbers in [-1000, 1000]"),
        ({"z": [0.0] * 65}, "is not a list of at most 64 numbers"),
        ({"z": [1100.0]}, "z holds 1100.0, which is not a number in [-1000, 1000]"),
        ({"z": [float("nan")]}, "z holds nan"),
        ({"z": [True]}, "z holds True"),
        ({"z": ["1"]}, "z holds 1, which"),
        ({"z": [10**400]}, "z holds 1000"),
    ],
    ids=str,
)
def test_lists_of_numbers_are_checked(values, sentence):
    with pytest.raises(ValueError) as error:
        from_dict(QUESTIONS["decode"], values)
    assert sentence in str(error.value)


def test_lists_are_kept_as_plain_numbers():
    q = from_dict(QUESTIONS["decode"], {"z": [1, 2.5]})
    assert q.z == (1.0, 2.5) and knobs(QUESTIONS["decode"])["z"].most == 64


def test_a_place_on_the_map_is_decoded_where_it_is_drawn(two, six):
    """Two latents are the map themselves; of six, the test example nearest to a place lies there on the map."""
    here = ask(two, "decode", z=(0.5, -0.2), on_map=True).views["decode"][0]
    there = ask(two, "decode", z=(0.5, -0.2)).views["decode"][0]
    np.testing.assert_array_equal(here.pixels, there.pixels)
    plane = six.probe.seen(six).plane
    z = plane.back(torch.tensor([0.7, -0.3]))
    np.testing.assert_allclose(plane.xy(z), [[0.7, -0.3]], atol=1e-5)
    with pytest.raises(ValueError, match="z holds 3 numbers; a place on the map has 2"):
        ask(six, "decode", z=(0.0, 0.0, 0.0), on_map=True)


def test_estimates_on_the_model_agree_and_the_score_function_is_noisier(two):
    """The exact gradient by quadrature over z: all three means lie within five standard errors of it."""
    n = 4_000
    found = ask(two, "estimators", source="model", index=2, n=n).metrics
    with torch.no_grad():
        mu, logvar = two.encoder(two.probe.x[2:3])
    mu, sigma = mu[0].requires_grad_(True), torch.exp(0.5 * logvar[0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    eps = torch.cartesian_prod(torch.tensor(nodes), torch.tensor(nodes)).float()
    mass = torch.outer(torch.tensor(weights), torch.tensor(weights)).flatten().float()
    f = -two.decoder.log_prob(two.probe.x[2:3], (mu + sigma * eps)[:, None])[:, 0]
    (exact,) = torch.autograd.grad((mass / mass.sum() * f).sum(), mu)
    for name in ("pathwise", "reinforce", "reinforce-baseline"):
        spread = (2 * found[f"variance/{name}"] / n) ** 0.5  # of two dimensions together, so no smaller than that of the first
        assert found[f"mean/{name}"] == pytest.approx(float(exact[0]), abs=5 * spread + 1e-3)
    assert found["ratio/pathwise"] == 1 and found["ratio/reinforce"] > found["ratio/reinforce-baseline"] > 1


def test_z_moves_with_mu_and_sigma_as_differences_say(two):
    mu, sigma, eps, h = 0.4, 0.7, -1.3, 1e-5
    found = ask(two, "reparameterise", mu=mu, sigma=sigma, eps=eps).metrics
    z = mu + sigma * eps
    assert found["z"] == pytest.approx(z) and found["f"] == pytest.approx((z - 2) ** 2)
    assert (found["dz_dmu"], found["dz_dsigma"]) == (1, pytest.approx(eps))
    for name, dm, ds in (("df_dmu", h, 0), ("df_dsigma", 0, h)):
        up, down = ((mu + k * dm + (sigma + k * ds) * eps - 2) ** 2 for k in (1, -1))
        assert found[name] == pytest.approx((up - down) / (2 * h), rel=1e-6)


def test_a_density_integrates_to_one(two):
    (curve,) = ask(two, "reparameterise", mu=-1, sigma=0.2).views["reparameterise"]
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=2e-3)


def test_examples_are_the_test_examples_in_order(two):
    answer = ask(two, "examples", start=5, n=7)
    (view,) = answer.views["examples"]
    assert answer.metrics["count"] == len(two.probe.x) and view.pixels.shape == (7, 1, 8, 8)
    np.testing.assert_array_equal(view.label, two.probe.y[5:12].numpy())
    np.testing.assert_allclose(view.pixels, two.likelihood.restore(two.probe.x[5:12]).numpy(), atol=1e-6)


def test_strengths_go_through_the_copy_and_name_what_is_near(two):
    shown = ask(two, "arithmetic", index=4, plus=7, minus=1, strength=1.5).views["arithmetic"]
    _, pair, row, means = shown
    np.testing.assert_allclose(row.pixels[6], pair.pixels[0], atol=1e-6)
    np.testing.assert_allclose(row.pixels[9], pair.pixels[1], atol=1e-6)
    mu, y = two.probe.seen(two).mu, two.probe.y
    z = mu[4] + 1.5 * (mu[y == 7].mean(0) - mu[y == 1].mean(0))
    with torch.no_grad():
        expected = 2 * torch.sigmoid(two.decoder(torch.stack([mu[y == k].mean(0) for k in (7, 1)]))) - 1
    np.testing.assert_allclose(means.pixels, expected.numpy(), atol=1e-5)
    assert row.label[6] == y[4] and row.label[9] == y[(mu - z).norm(dim=1).argmin()]


def test_a_test_image_is_measured_as_the_others_it_is_compared_with(two):
    all_of_them = [ask(two, "encode", index=i).metrics for i in range(12)]
    usual = two.probe.usual(two)
    np.testing.assert_allclose([m["neg_elbo"] for m in all_of_them], usual[:12].numpy(), rtol=1e-5)
    first, above = all_of_them[0], usual - two.likelihood.least(two.probe.x)
    assert first["test_n"] == len(usual) and first["test_mean"] == pytest.approx(float(above.mean()), rel=1e-4)
    assert first["above"] == pytest.approx(float(above[0]), rel=1e-3), "above what a perfect copy of its greys costs"
    assert first["test_below"] == pytest.approx(float((above < above[0] * (1 - 1e-6)).float().mean()), abs=2 / len(usual))


def test_an_autoencoder_interpolates_without_a_bound():
    answer = ask(trained(2, objective="autoencoder"), "interpolate", a=0, b=1, n=5)
    assert [len(v.pixels) for v in answer.views["interpolate"]] == [5, 5, 5] and "nll" not in answer.views


def test_blur_lays_the_mean_of_those_that_share_a_place_beside_the_decoders(two):
    """The neighbours are those of a plain search, their mean is numpy's, and sharpness is that of the tested measure."""
    answer = ask(two, "blur", index=3, k=5)
    views = {v.name: v.pixels for v in answer.views["blur"]}
    with torch.no_grad():
        mu = two.encoder(two.examples, two.labels)[0].numpy()
    place = two.probe.seen(two).mu[3].numpy()
    nearest = np.argsort(np.linalg.norm(mu - place, axis=1))[:5]
    np.testing.assert_allclose(np.sort(views["near"].sum((1, 2, 3))), np.sort(two.data.pixels[nearest].sum((1, 2, 3))), rtol=1e-5)
    np.testing.assert_allclose(views["mean"][0], views["near"].mean(0), atol=1e-6)
    energies = [laplacian_energy(torch.from_numpy(views[name])) for name in ("mean", "decoded", "near")]
    assert answer.metrics["sharpness/mean"] == pytest.approx(energies[0] / energies[2], rel=1e-5)
    assert answer.metrics["sharpness/decoded"] == pytest.approx(energies[1] / energies[2], rel=1e-4)
    assert answer.metrics["sharpness/mean"] < 1 and answer.metrics["n"] == 100 and views["draws"].shape[0] == 4


def test_blur_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match="on images"):
        ask(FAMILIES["vae"].build(FAMILIES["vae"].resolve({"dataset": "moons", "steps": 2})), "blur")
