"""Our samplers beside those of diffusers: the same network outputs, schedule and noise, every x_t on the way. A fake network of one line
stands in, so that the property under test is visible; diffusers sees it as eps of x_t, v or velocity, ours as D(x, sigma)."""

import diffusers
import numpy as np
import pytest
import torch
from torch.testing import assert_close

from engines.diffusion.samplers import SAMPLERS, ddim, draw
from engines.diffusion.schedules import flow_sigmas, timestep_sigmas, timesteps

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers with numpy 2
STEPS = [1, 4, 20, 50]
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-9}  # of the largest value of x_t
N = (4, 1, 6, 6)


def start(dtype, n=N):
    return torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def fake_eps(x_t, sigma):
    """What the network says of a variance preserving x_t; any bounded function will do."""
    return torch.tanh(0.7 * x_t + 0.1 * torch.log1p(sigma)) + 0.2 * torch.sin(3 * x_t)


def denoise_of(eps):
    """D(x, sigma) of a function of x_t = x/√(1 + sigma²)."""
    return lambda x, sigma: x - sigma * eps(x / (1 + sigma**2).sqrt(), sigma)


class Given:
    """The same noise for both, in the same order."""

    def __init__(self, x, count=1000):
        generator = torch.Generator().manual_seed(5)
        self.all = torch.randn((count, *x.shape), generator=generator, dtype=torch.float64).to(x.dtype)
        self.next = 0

    def __call__(self, x, *args, **kwargs):
        self.next += 1
        return self.all[self.next - 1]


def patch_noise(monkeypatch, module, given):
    monkeypatch.setattr(module, "randn_tensor", lambda shape, **kwargs: given(None))


def vp_run(scheduler, dtype, num_steps, step_noise=None, **kwargs):
    """x_t after each step of a diffusers scheduler on variance preserving samples that predicts eps."""
    scheduler.set_timesteps(num_steps)
    x_t, seen = start(dtype), []
    table = torch.from_numpy(np.asarray(scheduler.alphas_cumprod, np.float64))
    for t in scheduler.timesteps:
        level = table[int(t)]
        sigma = ((1 - level) / level).sqrt().to(dtype)
        x_t = scheduler.step(fake_eps(x_t, sigma), t, x_t, **kwargs).prev_sample
        seen.append(x_t)
    return seen


def ours(sampler, dtype, sigmas, noise=None, **kwargs):
    """x_t after each step, variance preserving."""
    sigmas = torch.from_numpy(sigmas).to(dtype)
    x = start(dtype) * (1 + sigmas[0] ** 2).sqrt()
    moments = draw(sampler, denoise_of(fake_eps), x, sigmas, noise, **kwargs)
    return [m.x / (1 + m.sigma**2).sqrt() for m in moments]


def check(theirs, mine, dtype):
    assert len(theirs) == len(mine)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype == dtype
        assert float((a - b).abs().max()) <= TOLERANCE[dtype] * float(b.abs().max())


def precise(scheduler, dtype):
    """diffusers keeps its tables in float32; in float64 they are rebuilt from the betas, so that only the algorithm is compared."""
    if dtype == torch.float64:
        betas = np.linspace(1e-4, 0.02, 1000)
        level = torch.from_numpy(np.cumprod(1 - betas))
        scheduler.betas, scheduler.alphas, scheduler.alphas_cumprod = torch.from_numpy(betas), torch.from_numpy(1 - betas), level
        scheduler.one, scheduler.final_alpha_cumprod = torch.tensor(1.0).double(), torch.tensor(1.0).double()
        if hasattr(scheduler, "alpha_t"):
            scheduler.alpha_t, scheduler.sigma_t = level.sqrt(), (1 - level).sqrt()
            scheduler.lambda_t = scheduler.alpha_t.log() - scheduler.sigma_t.log()
    return scheduler


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("num_steps", [4, 20, 50, 1000])
def test_ddpm(monkeypatch, dtype, num_steps):
    """Ancestral, timesteps "trailing", the smaller variance."""
    from diffusers.schedulers import scheduling_ddpm

    scheduler = precise(diffusers.DDPMScheduler(clip_sample=False, timestep_spacing="trailing"), dtype)
    patch_noise(monkeypatch, scheduling_ddpm, Given(start(dtype)))
    check(vp_run(scheduler, dtype, num_steps), ours("ddpm", dtype, timestep_sigmas(num_steps, "linear"), Given(start(dtype))), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("spacing", ["trailing", "leading"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("num_steps", [4, 20, 50])
def test_ddim(monkeypatch, dtype, spacing, eta, num_steps):
    from diffusers.schedulers import scheduling_ddim

    scheduler = precise(diffusers.DDIMScheduler(clip_sample=False, timestep_spacing=spacing), dtype)
    patch_noise(monkeypatch, scheduling_ddim, Given(start(dtype)))
    theirs = vp_run(scheduler, dtype, num_steps, eta=eta)
    mine = ours("ddim", dtype, timestep_sigmas(num_steps, "linear", spacing), Given(start(dtype)), eta=eta)
    check(theirs, mine, dtype)


def ve_run(scheduler, num_steps, **kwargs):
    """x after each step of a scheduler on variance exploding samples; the second half of a Heun step ends it."""
    scheduler.set_timesteps(num_steps)
    x = start(torch.float32) * float(scheduler.sigmas[0])
    seen, whole = [], len(scheduler.timesteps)
    for k, t in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[scheduler.step_index if scheduler.step_index is not None else 0]
        x = scheduler.step(fake_eps(scheduler.scale_model_input(x, t), sigma), t, x, **kwargs).prev_sample
        if whole == num_steps or k % 2 or k == whole - 1:
            seen.append(x)
    return seen, scheduler.sigmas.double().numpy()


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize("karras", [False, True])
def test_euler(num_steps, karras):
    """On diffusers' own sigmas, "linspace" or Karras's; diffusers runs this one in float32 only."""
    if num_steps == 1 and karras:
        pytest.skip("diffusers divides by zero there")
    theirs, sigmas = ve_run(diffusers.EulerDiscreteScheduler(use_karras_sigmas=karras, beta_end=0.02, beta_start=1e-4), num_steps)
    sigmas = torch.from_numpy(sigmas).float()
    mine = [m.x for m in SAMPLERS["euler"](denoise_of(fake_eps), start(torch.float32) * sigmas[0], sigmas, None)]
    check(theirs, mine, torch.float32)


@pytest.mark.parametrize("num_steps", STEPS[1:])
def test_heun(num_steps):
    theirs, sigmas = ve_run(diffusers.HeunDiscreteScheduler(use_karras_sigmas=True, beta_end=0.02, beta_start=1e-4), num_steps)
    # each sigma but the first and last stands there twice
    once = torch.from_numpy(np.concatenate([sigmas[:1], sigmas[1:-1:2], sigmas[-1:]])).float()
    mine = [m.x for m in SAMPLERS["heun"](denoise_of(fake_eps), start(torch.float32) * once[0], once, None)]
    check(theirs, mine, torch.float32)


def test_heun_in_three_steps_of_an_image_run():
    """On sigmas of 1000, 2 and 0.5, where its second estimate counts 250 times over: diffusers does the same."""
    scheduler, once = diffusers.HeunDiscreteScheduler(), torch.from_numpy(flow_sigmas(3, 1.0, 1_000.0))
    scheduler.set_timesteps(3)
    scheduler.sigmas = torch.cat([once[:1], once[1:-1].repeat_interleave(2), once[-1:]])
    scheduler.timesteps = torch.arange(5.0).double()
    x, theirs = start(torch.float64) * once[0], []
    for k, t in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[k]
        x = scheduler.step(fake_eps(x / (1 + sigma**2).sqrt(), sigma), t, x).prev_sample
        theirs += [x] if k % 2 or k == 4 else []
    check(theirs, [m.x for m in SAMPLERS["heun"](denoise_of(fake_eps), start(torch.float64) * once[0], once, None)], torch.float64)


@pytest.mark.parametrize("num_steps", STEPS[1:])
@pytest.mark.parametrize("algorithm", ["dpmsolver++", "sde-dpmsolver++"])
def test_dpm_solver(num_steps, algorithm):
    """Order 2, midpoint, the final sigma 0, "linspace"; the tables are float32 in diffusers."""
    scheduler = diffusers.DPMSolverMultistepScheduler(
        algorithm_type=algorithm, beta_start=1e-4, beta_end=0.02, lower_order_final=False, final_sigmas_type="zero"
    )
    scheduler.set_timesteps(num_steps)
    sigmas, given = scheduler.sigmas.float(), Given(start(torch.float32))
    x_t, theirs = start(torch.float32), []
    for k, t in enumerate(scheduler.timesteps):
        x_t = scheduler.step(fake_eps(x_t, sigmas[k]), t, x_t, variance_noise=given(None)).prev_sample
        theirs.append(x_t)
    name = {"dpmsolver++": "dpmpp-2m", "sde-dpmsolver++": "dpmpp-2m-sde"}[algorithm]
    check(theirs, ours(name, torch.float32, sigmas.numpy(), Given(start(torch.float32))), torch.float32)


@pytest.mark.parametrize("num_steps", STEPS[1:])
def test_unipc(num_steps):
    """Order 2, B(h) = e^h − 1."""
    scheduler = diffusers.UniPCMultistepScheduler(solver_order=2, solver_type="bh2", beta_start=1e-4, beta_end=0.02)
    scheduler.set_timesteps(num_steps)
    sigmas = scheduler.sigmas.float()
    x_t, theirs = start(torch.float32), []
    for k, t in enumerate(scheduler.timesteps):
        x_t = scheduler.step(fake_eps(x_t, sigmas[k]), t, x_t).prev_sample
        theirs.append(x_t)
    check(theirs, ours("unipc", torch.float32, sigmas.numpy()), torch.float32)


@pytest.mark.parametrize("num_steps", STEPS)
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_match_euler(num_steps, shift):
    """x_t = (1 − t) x0 + t eps; from t = 0.999, since pure noise has no finite sigma."""
    grid = flow_sigmas(num_steps, shift, 999.0)
    times = grid / (1 + grid)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=times[:-1])
    velocity = lambda x_t, t: torch.tanh(x_t) - t * torch.cos(2 * x_t)  # noqa: E731
    x_t, theirs = start(torch.float32), []
    for t, level in zip(scheduler.timesteps, times, strict=False):
        x_t = scheduler.step(velocity(x_t, level), t, x_t).prev_sample
        theirs.append(x_t)
    for dtype in (torch.float32,):
        sigmas = torch.from_numpy(grid).to(dtype)

        def denoise(x, sigma):
            t = sigma / (1 + sigma)
            return (1 - t) * x - t * velocity((1 - t) * x, t)

        x = start(dtype) / (1 - torch.tensor(times[0], dtype=dtype))
        mine = [m.x / (1 + m.sigma) for m in SAMPLERS["flow-euler"](denoise, x, sigmas, None)]
        check(theirs, mine, dtype)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("num_steps", [1, 7, 50, 1000])
def test_timesteps(spacing, num_steps):
    scheduler = diffusers.DDPMScheduler(timestep_spacing=spacing)
    scheduler.set_timesteps(num_steps)
    assert timesteps(num_steps, spacing).tolist() == scheduler.timesteps.tolist()


def test_the_cosine_schedule():
    theirs = diffusers.DDPMScheduler(beta_schedule="squaredcos_cap_v2").betas
    from engines.diffusion.schedules import cosine_betas

    assert_close(torch.from_numpy(cosine_betas()).float(), theirs, rtol=1e-5, atol=1e-7)


def test_ddim_is_euler_is_flow_euler():
    """One estimate per step and no noise: the three are the same walk, whatever the coordinates."""
    sigmas = torch.from_numpy(flow_sigmas(9, 1.0, 20.0))
    x = start(torch.float64) * sigmas[0]
    walks = [[m.x for m in SAMPLERS[name](denoise_of(fake_eps), x, sigmas, None)] for name in ("euler", "flow-euler")]
    walks.append([m.x for m in ddim(denoise_of(fake_eps), x, sigmas, None, 0.0)])
    for other in walks[1:]:
        for a, b in zip(walks[0], other, strict=True):
            assert_close(a, b, rtol=1e-10, atol=1e-10)
