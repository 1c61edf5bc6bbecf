"""The maths of the VAE against what was not written here: probabilistic PCA, quadrature, torch.distributions, scikit-learn, scipy."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.registry import FAMILIES
from engines.state import Rng
from engines.vae import estimators
from engines.vae.bounds import aggregate_kl, grid, ladder, log_aggregate, log_weights, quadrature
from engines.vae.likelihoods import Bernoulli, Gaussian, Logistic
from engines.vae.model import Decoder, DenseNet, Encoder
from engines.vae.objectives import OBJECTIVES, Terms, kl_per_dim, log_mean_exp, log_normal
from engines.vae.priors import maximise
from engines.vae.probe_images import laplacian_energy

FAMILY = FAMILIES["vae"]
SIDE, D = 8, 64


def build(**settings):
    return FAMILY.build(FAMILY.resolve(dict(dataset="digits", width=32, batch=64) | settings))


@pytest.fixture(scope="module")
def linear():
    """A VAE with one linear layer each way, in float64, on 64-dimensional Gaussian data, and the exact optimum: probabilistic PCA (Tipping
    & Bishop, 1999). (engine, x, weight W (64, 2), mean, sigma², log p(x) of each example)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 2)) @ rng.standard_normal((2, D)) * 0.1 + 0.05 * rng.standard_normal((400, D))
    pixels = np.clip(x, -1, 1).astype(np.float32).reshape(-1, 1, SIDE, SIDE)
    config = FAMILY.resolve(dict(dataset="own-images", likelihood="gaussian", network="mlp", latent=2, objective="elbo"))
    engine = FAMILY.build(config, data=pixels)
    engine.encoder = Encoder(DenseNet([D, 4], (4,), 0, "silu"), 0).double()
    engine.decoder = Decoder(DenseNet([2, D], (1, SIDE, SIDE), 0, "silu"), 0, Gaussian(0.1, True)).double()
    x = torch.from_numpy(pixels).double()
    flat = x.flatten(1)
    mean = flat.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(flat.T, correction=0))
    noise = values[:-2].mean()  # sigma²
    W = vectors[:, -2:] * (values[-2:] - noise).sqrt()
    exact = torch.distributions.MultivariateNormal(mean, W @ W.T + noise * torch.eye(D)).log_prob(flat)
    return engine, x, W, mean, noise, exact


def cubature(n):
    """eps (4, n, 2) whose mean of any quadratic is its mean under N(0, I): ± √2 along each axis."""
    return (2**0.5 * torch.cat([torch.eye(2), -torch.eye(2)]).double())[:, None].expand(-1, n, -1)


@torch.no_grad()
def put_optimum(engine, W, mean, noise):
    M = W.T @ W + noise * torch.eye(2)  # diagonal: the columns of W are orthogonal
    into = torch.linalg.inv(M) @ W.T
    encoder, decoder = engine.encoder.net.last, engine.decoder.net.last
    encoder.weight.copy_(torch.cat([into, torch.zeros_like(into)]))
    encoder.bias.copy_(torch.cat([-into @ mean, torch.log(noise / M.diagonal())]))
    decoder.weight.copy_(W)
    decoder.bias.copy_(mean)
    engine.decoder.likelihood.log_sigma.copy_(0.5 * torch.log(noise))


def test_every_term_at_the_optimum_of_probabilistic_pca(linear):
    """Reconstruction and KL in closed form; and since q is the true posterior there, every single weight is p(x)."""
    engine, x, W, mean, noise, exact = linear
    put_optimum(engine, W, mean, noise)
    with torch.no_grad():
        t = engine.terms(x, None, cubature(len(x)))
        mu, logvar = engine.encoder(x)
        away = (x.flatten(1) - mean - mu @ W.T).square().sum(1) + (logvar.exp() * W.square().sum(0)).sum(1)
        recon = 0.5 * away / noise + 0.5 * D * torch.log(2 * math.pi * noise)
        kl = torch.distributions.kl_divergence(
            torch.distributions.Normal(mu, torch.exp(0.5 * logvar)),
            torch.distributions.Normal(torch.zeros(2).double(), torch.ones(2).double()),
        )
        draws = Rng(0, ("x",))["x"]
        z = mu + torch.exp(0.5 * logvar) * torch.randn((3, *mu.shape), generator=draws).double()
        log_w = engine.decoder.log_prob(x, z) + log_normal(z) - log_normal(z, mu, logvar)
    engine_recon = -engine.decoder.log_prob(x, mu + torch.exp(0.5 * logvar) * cubature(len(x))).mean(0)
    assert_close(engine_recon.mean().detach(), recon.mean(), rtol=0, atol=1e-3)
    assert_close(t.kl, kl, rtol=0, atol=1e-9)
    assert_close((t.recon + t.kl.sum(1)).mean(), -exact.mean(), rtol=0, atol=1e-3)
    assert_close(log_w, exact.expand(3, -1), rtol=0, atol=1e-6)


def test_training_reaches_the_optimum_of_probabilistic_pca(linear):
    """From random weights, with the objective as it is used in training: −ELBO falls to −log p(x) of the best linear model."""
    engine, x, W, mean, noise, exact = linear
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in (*engine.encoder.parameters(), *engine.decoder.parameters()):
            p.copy_(0.05 * torch.randn(p.shape, generator=generator))
        engine.decoder.likelihood.log_sigma.fill_(-1)
    weights = [*engine.encoder.parameters(), *engine.decoder.parameters()]
    optimiser = torch.optim.LBFGS(weights, lr=1, max_iter=400, max_eval=600, history_size=50, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = OBJECTIVES["elbo"](engine.terms(x, None, cubature(len(x))), engine.config, 0)
        value.backward()
        return value

    optimiser.step(loss)
    assert float(loss().detach()) == pytest.approx(-float(exact.mean()), abs=1e-3)
    assert float(engine.decoder.likelihood.log_sigma.detach()) == pytest.approx(0.5 * float(torch.log(noise)), abs=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_elbo_iwae_and_quadrature_are_ordered(seed):
    """Of random networks, untrained and with larger weights: each rung at most the next, the last at most log p(x) within its noise."""
    engine = build(seed=seed)
    with torch.no_grad():
        for p in (*engine.encoder.parameters(), *engine.decoder.parameters()):
            p.mul_(1 + seed % 3)
        x = engine.probe.x[:8]
        log_w = log_weights(engine, x, None, 2_000, Rng(seed, ("w",))["w"])
        rungs = torch.stack([ladder(log_w, k) for k in (1, 5, 50, 500)])
        exact = quadrature(engine, x)
        mu, logvar = engine.encoder(x)
        eps = torch.randn((2_000, *mu.shape), generator=Rng(seed, ("e",))["e"])
        recon = engine.decoder.log_prob(x, mu + torch.exp(0.5 * logvar) * eps)
        elbo = recon.mean(0) - kl_per_dim(mu, logvar).sum(1)
    assert (rungs[1:] >= rungs[:-1] - 1e-4).all()
    noise = log_w.std(0) / 2_000**0.5
    assert ((rungs[0] - elbo).abs() <= 5 * (noise + recon.std(0) / 2_000**0.5) + 1e-3).all()
    w = torch.exp(log_w - log_w.max(0).values)
    error = w.std(0) / w.mean(0) / 2_000**0.5  # of the mean of all weights, relative
    assert (log_mean_exp(log_w) <= exact + 5 * error + 1e-3).all()
    assert (exact >= rungs[3].mean() * 0 + rungs[3] - 5 * error - 1e-3).all()


def test_quadrature_of_a_linear_decoder_is_the_exact_marginal(linear):
    engine, x, W, mean, noise, exact = linear
    put_optimum(engine, W, mean, noise)
    engine.likelihood = engine.decoder.likelihood
    coarse = engine.decoder.float()
    try:
        assert_close(quadrature(engine, x[:5].float()).double(), exact[:5], rtol=0, atol=0.02)
    finally:
        coarse.double()


def test_larger_groups_of_the_same_draws_are_never_worse():
    log_w = 10 * torch.randn((500, 7), generator=torch.Generator().manual_seed(0))
    rungs = [ladder(log_w, k) for k in (1, 5, 50, 500)]
    assert all((b >= a - 1e-4).all() for a, b in zip(rungs, rungs[1:], strict=False))
    assert_close(rungs[0], log_w.mean(0))
    assert_close(rungs[3], torch.logsumexp(log_w, 0) - math.log(500))


# Gradients


@pytest.mark.parametrize(("d", "ratio", "baseline"), [(1, 22, 11), (10, 725, 51)])
def test_the_bench_of_estimators(d, ratio, baseline):
    """f(z) = (z − 2)², z ~ N(0, I): exact gradient −4; the score function 22 and 725 times as noisy, 11 and 51 with a baseline."""
    generator = Rng(0, ("bench",))["bench"]
    found = estimators.estimates(estimators.toy, torch.zeros(d), torch.ones(d), 400_000, generator)
    exact = estimators.toy_variance(d, 1.0)
    variance = {name: float(g.var(0).mean()) for name, g in found.items()}
    for name, g in found.items():
        assert float(g.mean()) == pytest.approx(-4, abs=5 * (variance[name] / (400_000 * d)) ** 0.5 + 0.03 * (name != "pathwise"))
        assert variance[name] == pytest.approx(exact[name], rel=0.1)
    assert variance["pathwise"] == pytest.approx(4, rel=0.02)
    assert variance["reinforce"] / variance["pathwise"] == pytest.approx(ratio, rel=0.2)
    assert variance["reinforce-baseline"] / variance["pathwise"] == pytest.approx(baseline, rel=0.2)


@pytest.mark.parametrize(("d", "sigma"), [(1, 1.0), (3, 0.5), (10, 1.0), (2, 2.0)])
def test_exact_variances_by_quadrature(d, sigma):
    """E of the squared estimate by Gauss-Hermite in one dimension, the others by their moments: an independent route."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    z = sigma * nodes
    f = (z - 2) ** 2
    m, s = float(weights @ f), float(weights @ f**2) - float(weights @ f) ** 2
    rest_mean, rest_var = (d - 1) * m, (d - 1) * s
    exact = estimators.toy_variance(d, sigma)
    for name, b in (("reinforce", 0.0), ("reinforce-baseline", d * m)):
        square = weights @ (((f + rest_mean - b) ** 2 + rest_var) * (z / sigma**2) ** 2)
        assert exact[name] == pytest.approx(square - 16, rel=1e-9)
    assert exact["pathwise"] == pytest.approx(weights @ (2 * (z - 2)) ** 2 - 16, rel=1e-9)


@pytest.mark.parametrize("estimator", ["reinforce", "reinforce-baseline"])
def test_the_score_function_gradient_of_the_engine_is_the_pathwise_one_in_expectation(estimator):
    """The gradient of the encoder's last bias, averaged over many draws of one batch: both ways the same within their noise."""
    from engines.vae.objectives import score_function

    grads = {}
    engine = build(latent=1, width=8, objective="elbo")
    x = engine.examples[:8].repeat(50, 1, 1, 1)
    for name in ("pathwise", estimator):
        engine = build(latent=1, width=8, objective="elbo", estimator=name)
        engine.baseline.mean.fill_(25.0)
        bias = engine.encoder.net.last.bias
        rows, generator = [], Rng(1, (name,))[name]
        for _ in range(150):
            t = engine.terms(x, None, torch.randn((len(x), 1), generator=generator))
            loss = OBJECTIVES["elbo"](t, engine.config, 0)
            if name != "pathwise":
                loss = loss + score_function(t, engine._off()).mean()
            rows.append(torch.autograd.grad(loss, bias)[0])
        rows = torch.stack(rows)
        grads[name] = rows.mean(0), rows.std(0) / len(rows) ** 0.5
    (a, sa), (b, sb) = grads.values()
    assert ((a - b).abs() <= 4 * (sa**2 + sb**2).sqrt() + 1e-5).all()
    assert (sb > sa).any()


# Objectives


def test_objectives_of_known_terms():
    recon, kl = torch.tensor([10.0, 20.0]), torch.tensor([[1.0, 0.0], [3.0, 0.2]])
    log_w = torch.tensor([[-11.0, -21.0], [-13.0, -20.0]])
    t = Terms(recon, kl, torch.zeros(2, 2), log_w=log_w, codebook=torch.tensor([1.0, 3.0]), commitment=torch.tensor([1.0, 3.0]))
    c = FAMILY.resolve(dict(beta=2.0, free_bits=0.5, warmup=10, commitment=0.25))
    expected = {
        "elbo": 15 + 2.1,
        "beta-vae": 15 + 4.2,
        "free-bits": 15 + 2 * (2.0 + 0.5),
        "autoencoder": 15,
        "vq-vae": 15 + 2 + 0.5,
        "iwae": -float(np.mean([np.log(np.mean(np.exp([-11.0, -13.0]))), np.log(np.mean(np.exp([-21.0, -20.0])))])),
    }
    for name, value in expected.items():
        assert float(OBJECTIVES[name](t, c, 3)) == pytest.approx(value, rel=1e-6), name
    assert [float(OBJECTIVES["warm-up"](t, c, step)) for step in (0, 5, 10, 99)] == pytest.approx([15, 17.1, 19.2, 19.2])


def test_a_latent_within_its_free_bits_feels_no_pull():
    mu = torch.tensor([[0.1, 2.0], [-0.1, -2.0]], requires_grad=True)
    t = Terms(torch.zeros(2), kl_per_dim(mu, torch.zeros(2, 2)), mu)
    c = FAMILY.resolve(dict(objective="free-bits", free_bits=0.5))
    (slope,) = torch.autograd.grad(OBJECTIVES["free-bits"](t, c, 0), mu)
    assert (slope[:, 0] == 0).all() and (slope[:, 1] != 0).all()


def test_averaged_pixels_are_as_a_larger_beta():
    """The gradient of recon / D + KL is that of recon + D KL over D."""
    plain, averaged = build(beta=float(D), seed=1), build(mean_pixels=True, seed=1)
    a, b = plain.train_step(), averaged.train_step()
    assert_close(a["recon"], b["recon"])
    assert_close(a["encoder_grad_norm"] / D, b["encoder_grad_norm"], rtol=1e-4, atol=1e-7)


# Likelihoods


def test_bernoulli_is_torchs():
    out, x = torch.randn((5, 1, 4, 4), generator=torch.Generator().manual_seed(0)), torch.randint(0, 2, (5, 1, 4, 4)).float()
    expected = torch.distributions.Bernoulli(logits=out).log_prob(x).flatten(1).sum(1)
    assert_close(Bernoulli().log_prob(out, x), expected)
    for likelihood, o in ((Bernoulli(), out), (Gaussian(0.3, False), out)):
        pairs = likelihood.pairs(o, x[:3])
        assert_close(
            pairs, torch.stack([torch.stack([likelihood.log_prob(o[i : i + 1], x[j : j + 1])[0] for j in range(3)]) for i in range(5)])
        )


def test_gaussian_is_torchs():
    out, x = torch.randn((5, 2), generator=torch.Generator().manual_seed(0)), torch.ones(5, 2)
    assert_close(Gaussian(0.3, True).log_prob(out, x), torch.distributions.Normal(out, 0.3).log_prob(x).sum(1))


@pytest.mark.parametrize("levels", [17, 256])
def test_the_masses_of_all_grey_levels_sum_to_one(levels):
    from scipy.stats import logistic

    likelihood = Logistic(levels)
    out = torch.tensor([[[[0.3]], [[0.5]]], [[[-1.4]], [[-1.0]]], [[[0.02]], [[-2.0]]]])  # means and log scales
    shades = torch.linspace(-1, 1, levels).reshape(-1, 1, 1, 1)
    assert_close(likelihood.prepare(shades + 0.4 / levels), shades, rtol=0, atol=1e-6)
    for row in out:
        mass = likelihood.log_prob(row[None].expand(levels, -1, -1, -1), shades).exp().double()
        assert float(mass.sum()) == pytest.approx(1, abs=1e-4)
        edges = np.linspace(-1, 1, levels)[:-1] + 1 / (levels - 1)
        cdf = logistic.cdf(edges, float(row[0]), math.exp(float(row[1]) + likelihood.SHIFT))
        np.testing.assert_allclose(mass, np.diff([0, *cdf, 1]), rtol=2e-3, atol=2e-6)


def test_draws_of_a_likelihood_have_its_mean():
    generator = torch.Generator().manual_seed(0)
    for likelihood in (Bernoulli(), Gaussian(0.2, False), Logistic(17)):
        out = torch.tensor([0.2, -1.0])[: likelihood.factor].reshape(1, -1, 1, 1)
        draws = likelihood.sample(out.expand(20_000, -1, -1, -1), generator)
        assert float(draws.mean()) == pytest.approx(float(likelihood.mean(out)), abs=0.01)


def test_what_a_perfect_copy_costs():
    """Of grey pixels under a Bernoulli the entropy of each, as SciPy says; nothing that a decoder can say costs less."""
    from scipy.stats import bernoulli

    generator = torch.Generator().manual_seed(0)
    x = torch.rand((5, 1, 8, 8), generator=generator)
    least = Bernoulli().least(x)
    np.testing.assert_allclose(least, bernoulli(x.double().numpy()).entropy().sum((1, 2, 3)), rtol=1e-5)
    best = -Bernoulli().log_prob(torch.logit(x), x)
    torch.testing.assert_close(least, best, rtol=1e-5, atol=1e-3)
    assert bool((-Bernoulli().log_prob(torch.randn(x.shape, generator=generator), x) > least).all())
    binary = (x > 0.5).float()
    assert float(Bernoulli().least(binary).sum()) == 0 and float(Logistic(17).least(x).sum()) == 0
    fixed = Gaussian(0.2, False)
    torch.testing.assert_close(fixed.least(x), -fixed.log_prob(x, x))
    assert Gaussian(0.2, True).least(x) is None, "σ that is learned can fall without end"


def test_the_floor_of_a_reconstruction_is_drawn_beside_it():
    """Fashion's greys alone cost about 192 nats, MNIST's about 45."""
    for dataset, nats in (("mnist", 44.8), ("fashion", 192.0)):
        known = FAMILY.build(FAMILY.resolve({"dataset": dataset, "steps": 2})).backdrop().metrics
        assert known["test_recon"] == pytest.approx(nats, abs=1.5)


# All latents together, priors, sharpness


def test_divergence_of_all_latents_of_a_known_encoder():
    """mu is a linear image of Gaussian data: q(z) is a Gaussian, and its KL to N(0, I) is known."""
    engine = build(latent=2)

    class Known(torch.nn.Module):
        def forward(self, x, y=None):
            generator = torch.Generator().manual_seed(len(x))
            mu = torch.randn((len(x), 2), generator=generator) * torch.tensor([1.5, 0.5]) + torch.tensor([0.5, 0.0])
            return mu, torch.full_like(mu, math.log(0.04))

    engine.encoder = Known()
    variance = np.array([1.5**2, 0.5**2]) + 0.04
    exact = 0.5 * (variance + np.array([0.25, 0.0]) - 1 - np.log(variance)).sum()
    assert aggregate_kl(engine, 1_000) == pytest.approx(exact, abs=0.12)


def test_the_mean_of_bells_is_scipys():
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    mu, logvar, z = (torch.from_numpy(rng.standard_normal((n, 2))) for n in (6, 6, 4))
    pairs = zip(mu.numpy(), logvar.exp().numpy(), strict=True)
    density = np.mean([multivariate_normal(m, np.diag(v)).pdf(z.numpy()) for m, v in pairs], 0)
    np.testing.assert_allclose(log_aggregate(z, mu, logvar).exp(), density, rtol=1e-6)


def test_the_mixture_fits_as_well_as_scikit_learns():
    from sklearn.mixture import GaussianMixture

    from engines.vae.priors import Mixture

    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal(c, 0.3, (300, 3)) for c in ([0, 0, 0], [2, 0, 1], [0, 3, -1])]).astype(np.float32)
    weights, means, roots = maximise(torch.from_numpy(z), 3, torch.Generator().manual_seed(1))
    ours = Mixture(weights, means, roots, torch.zeros(3, dtype=torch.int64))
    theirs = GaussianMixture(3, n_init=5, random_state=0, reg_covar=0.02).fit(z)
    assert float(ours.log_prob(torch.from_numpy(z)).mean()) >= theirs.score(z) - 0.1
    np.testing.assert_allclose(ours.sample(50_000, torch.Generator().manual_seed(0))[0].mean(0), z.mean(0), atol=0.03)


def test_blur_lowers_the_energy_of_the_laplacian():
    x = torch.randn((4, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    assert laplacian_energy(x) == pytest.approx(20, rel=0.15)  # 4² + 4 for white noise
    assert laplacian_energy(torch.nn.functional.avg_pool2d(x, 3, 1)) < 0.2 * laplacian_energy(x)
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    assert laplacian_energy(ramp) == 0


def test_the_grid_covers_the_prior():
    z = grid(2)
    assert float(torch.logsumexp(log_normal(z), 0)) + 2 * math.log(0.1) == pytest.approx(0, abs=1e-5)
