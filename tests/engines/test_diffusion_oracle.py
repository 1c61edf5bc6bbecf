"""The exact denoiser, and what can be proved with it: orders of convergence, exact likelihoods, the loss no network can beat."""

from functools import cache

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.data import toy2d
from engines.diffusion.oracle import empirical_denoiser, exact_denoiser, log_likelihood, optimal_loss
from engines.diffusion.parameterisations import PARAMETERISATIONS, as_column, denoiser, score
from engines.diffusion.samplers import SAMPLERS, final, heun_gain, invert
from engines.diffusion.schedules import edm_sigmas, flow_sigmas, sigmas_of


def normal(n, seed=0):
    return torch.randn((n, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("key", ["ring8", "grid25", "pinwheel", "checkerboard", "gaussian", "moons"])
def test_the_exact_denoiser_is_that_of_the_data(key):
    """Against `Toy2D.denoise`, written for numpy and in data units, at four noise levels in one batch."""
    toy, levels = toy2d.TOYS[key](), np.array([0.02, 0.3, 2.0, 30.0])
    sigma = torch.from_numpy(np.repeat(levels, 25))
    x = 1.5 * normal(100) * (1 + sigma[:, None])
    mine = exact_denoiser(toy)(x, sigma).numpy() * toy.scale + toy.shift
    for level in levels:
        rows = sigma.numpy() == level
        theirs = toy.denoise(x.numpy()[rows] * toy.scale + toy.shift, level * toy.scale)
        np.testing.assert_allclose(mine[rows], theirs, rtol=1e-7, atol=1e-7)


def test_own_points_have_no_exact_denoiser():
    with pytest.raises(ValueError, match="own-2d has no exact density"):
        exact_denoiser(toy2d.own(normal(50).numpy()))


ORDERS = {"euler": 1, "ddim": 1, "flow-euler": 1, "heun": 2, "flow-heun": 2, "dpmpp-2m": 2}


@cache
def walk(sampler, n):
    """End points (40, 2) of the exact denoiser's flow on the grid, from the same starts, sigma 5 to 0.2."""
    denoise, sigmas = exact_denoiser(toy2d.TOYS["grid25"]()), torch.from_numpy(edm_sigmas(n, 0.2, 5.0, 7.0)[:-1])
    return final(SAMPLERS[sampler](denoise, 5 * normal(40), sigmas, None))


def errors(sampler, counts):
    """Mean distance of the end points from those of a very fine walk."""
    return [float((walk(sampler, n) - walk("heun", 700)).norm(dim=1).mean()) for n in counts]


@pytest.mark.parametrize("sampler", ORDERS)
def test_each_sampler_converges_at_its_order(sampler):
    """Halving the step divides the error by 2 to the order."""
    coarse, fine = errors(sampler, (80, 160))
    assert np.log2(coarse / fine) == pytest.approx(ORDERS[sampler], abs=0.25)


@pytest.mark.parametrize("sampler", ["heun", "flow-heun"])
def test_heun_is_euler_and_a_multiple_of_what_its_two_estimates_differ_by(sampler):
    """One step, so that the multiple is what `heun_gain` says."""
    denoise, x, sigmas = exact_denoiser(toy2d.TOYS["ring8"]()), 9 * normal(30), torch.tensor([9.0, 0.5, 0.0]).double()
    heun, euler = (next(iter(SAMPLERS[name](denoise, x, sigmas, None))).x for name in (sampler, "euler"))
    # a step of the flow is straight in x_t, and lands where Euler's in sigma does
    assert_close(
        heun - euler, heun_gain(sampler, sigmas) * (denoise(euler, 0.5) - denoise(x, 9.0)) * (1.5 if sampler == "flow-heun" else 1)
    )


def test_heun_in_few_steps_is_far_off_whatever_the_network():
    """With the exact denoiser on the ring's own grid: no network is to blame, and the multiple tells it beforehand."""
    denoise, far = exact_denoiser(toy2d.TOYS["ring8"]()), {}
    radius = float(1 / toy2d.TOYS["ring8"]().scale)
    for sampler, n in (("heun", 3), ("ddim", 5), ("heun", 10)):
        grid = torch.from_numpy(edm_sigmas(n, 0.006, 10.0, 5.0))
        x = final(SAMPLERS[sampler](denoise, 10 * normal(500), grid, None))
        far[sampler, n] = float((x.norm(dim=1) - radius).abs().mean()), heun_gain(sampler, grid)
    assert far["heun", 3][0] > 10 * far["ddim", 5][0] and far["heun", 10][0] < 2 * far["ddim", 5][0]
    assert far["heun", 3][1] == pytest.approx(71.9, abs=0.1) and far["heun", 10][1] < 2 and far["ddim", 5][1] == 0
    from_a_thousand = torch.from_numpy(flow_sigmas(3, 1.0, 1_000.0))
    assert heun_gain("heun", from_a_thousand) == pytest.approx(250.3, abs=0.1) and heun_gain("flow-heun", from_a_thousand) < 0.51


def test_the_corrector_of_unipc_beats_its_predictor():
    (plain,), (corrected,) = errors("dpmpp-2m", [40]), errors("unipc", [40])
    assert corrected < 0.5 * plain


@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp-2m-sde"])
def test_random_samplers_draw_from_the_data(sampler):
    """With the exact denoiser: mean and covariance of one Gaussian, within four standard errors."""
    toy, generator = toy2d.TOYS["gaussian"](), torch.Generator().manual_seed(3)
    sigmas = torch.from_numpy(edm_sigmas(150, 0.01, 40.0, 7.0))
    noise = lambda x: torch.randn(x.shape, generator=generator, dtype=x.dtype)  # noqa: E731
    x = final(SAMPLERS[sampler](exact_denoiser(toy), 40 * normal(4000), sigmas, noise)).numpy() * toy.scale
    C = toy.root @ toy.root.T
    np.testing.assert_allclose(x.mean(0), 0, atol=4 * (C.max() / 4000) ** 0.5)
    np.testing.assert_allclose(np.cov(x.T), C, atol=4 * C.max() * (2 / 4000) ** 0.5)


@pytest.mark.parametrize("key", ["gaussian", "ring8"])
def test_the_flow_knows_the_likelihood(key):
    """log p of data by the reverse ODE of the exact denoiser: within 1 % of the closed form."""
    toy = toy2d.TOYS[key]()
    xy = toy.draw(30, 5).astype(np.float64)
    x = torch.from_numpy((xy - toy.shift) / toy.scale)
    found = log_likelihood(exact_denoiser(toy), x, torch.from_numpy(edm_sigmas(160, 1e-4, 80.0, 7.0))).numpy() - 2 * np.log(toy.scale)
    exact = toy.log_prob(xy)
    assert abs(found.mean() - exact.mean()) < 0.01 * abs(exact.mean())
    assert np.abs(found - exact).max() < 0.03


def test_ddim_backwards_and_forwards_is_where_it_began():
    toy = toy2d.TOYS["gaussian"]()
    denoise, sigmas = exact_denoiser(toy), torch.from_numpy(edm_sigmas(300, 0.01, 10.0, 7.0)[:-1])
    x = torch.from_numpy((toy.draw(50, 2) - toy.shift) / toy.scale)
    noise = final(invert(denoise, x, sigmas))
    assert float(noise.std()) == pytest.approx(10, rel=0.15)
    assert_close(final(SAMPLERS["ddim"](denoise, noise, sigmas, None)), x, atol=0.03, rtol=0)


def best_eps_loss(toy, schedule):
    """Mean over the timesteps of the best possible eps loss per dimension."""
    rng = np.random.default_rng(0)
    x0 = torch.from_numpy((toy.draw(20_000, 3) - toy.shift) / toy.scale).double()
    sigma = torch.from_numpy(np.repeat(sigmas_of(schedule)[2::5], 100))
    eps = torch.from_numpy(rng.standard_normal((20_000, 2)))
    return float(optimal_loss(exact_denoiser(toy), x0, eps, sigma, PARAMETERISATIONS["eps"]).mean())


@pytest.mark.parametrize(("schedule", "loss"), [("linear", 0.170), ("cosine", 0.288)])
def test_the_optimal_loss_of_the_ring(schedule, loss):
    """Both were found by another program."""
    assert best_eps_loss(toy2d.TOYS["ring8"](), schedule) == pytest.approx(loss, abs=0.004)


def test_the_optimal_loss_of_a_gaussian():
    """In closed form: the share tr C (C + sigma²)⁻¹ / 2 of the noise cannot be told from the data."""
    toy = toy2d.TOYS["gaussian"]()
    spread = np.linalg.eigvalsh(toy.root @ toy.root.T) / toy.scale**2
    exact = (spread / (spread + sigmas_of("linear")[:, None] ** 2)).mean()
    assert best_eps_loss(toy, "linear") == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_target_and_inverse_belong_together(name):
    """A network that answers the target gives back x0, at every noise level."""
    p, x0, eps = PARAMETERISATIONS[name], normal(60, 1), normal(60, 2)
    sigma = torch.logspace(-2, 1.5, 60, dtype=torch.float64)
    target = p.target(x0, eps, as_column(sigma, x0))
    denoise = denoiser(lambda x, c_noise, y: target, p)
    assert_close(denoise(x0 + sigma[:, None] * eps, sigma), x0, rtol=1e-9, atol=1e-9)
    assert_close(denoise(x0, 0.0), x0)


@pytest.mark.parametrize("name", PARAMETERISATIONS)
def test_inputs_and_targets_are_of_unit_size(name):
    """As EDM asks, for data of unit variance: c_in x everywhere; the target too, but for the flow's, which is √2 longer."""
    p, x0, eps = PARAMETERISATIONS[name], normal(4000, 1), normal(4000, 2)
    for level in (0.01, 0.5, 1.0, 3.0, 50.0):
        sigma = as_column(level, x0)
        inputs = p.coefficients(sigma).c_in * (x0 + sigma * eps)
        assert 0.7 < float(inputs.std()) < 1.05
        assert float(p.target(x0, eps, sigma).std()) == pytest.approx(2**0.5 if name == "flow" else 1, abs=0.05)


def test_the_score_is_that_of_the_data():
    toy, x = toy2d.TOYS["ring8"](), normal(50)
    mine = score(x, exact_denoiser(toy)(x, 0.3), torch.tensor(0.3)).numpy() / toy.scale
    np.testing.assert_allclose(mine, toy.score(x.numpy() * toy.scale, 0.3 * toy.scale), rtol=1e-7, atol=1e-7)


def test_the_ideal_denoiser_of_a_training_set_copies():
    """At little noise it gives back the nearest image, at much noise the mean; in between, Bayes' rule by hand."""
    examples = torch.randn((20, 1, 4, 4), generator=torch.Generator().manual_seed(1))
    denoise = empirical_denoiser(examples)
    noisy = examples + 0.05 * torch.randn(examples.shape, generator=torch.Generator().manual_seed(2))
    assert_close(denoise(noisy, 0.05), examples)
    assert_close(denoise(noisy, 1e4), examples.mean(0, keepdim=True).expand_as(examples), atol=1e-3, rtol=0)
    x, sigma = noisy[:1], 1.3
    weight = torch.exp(-((x - examples).flatten(1).double().square().sum(1)) / (2 * sigma**2))
    by_hand = (weight[:, None] / weight.sum() * examples.flatten(1)).sum(0)
    assert_close(denoise(x, sigma).flatten().double(), by_hand, atol=1e-6, rtol=1e-5)
