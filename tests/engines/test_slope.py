"""The slope of D between data and samples: against critics whose slope is known everywhere."""

import pytest
import torch

from engines import metrics
from engines.gan.config import Config
from engines.gan.engine import GanEngine
from engines.gan.slope import mean_slope


def test_a_plane_has_one_slope_everywhere():
    real, fake = torch.randn(64, 2), torch.randn(64, 2)
    assert mean_slope(lambda x: x @ torch.tensor([3.0, 4.0]), real, fake) == pytest.approx(5.0, rel=1e-5)


def test_places_lie_on_the_lines_between():
    """D = ‖x‖² / 2 has slope ‖x‖: on the line from 0 to e₁, evenly spread, ½ on average."""
    real, fake = torch.zeros(100, 3), torch.eye(3)[0].repeat(100, 1)
    assert mean_slope(lambda x: x.square().sum(1) / 2, real, fake) == pytest.approx(0.5, rel=1e-5)


def test_a_gradient_penalty_holds_it_near_one():
    free, held = (
        GanEngine(Config(objective=objective, batch=64, fourier=0, lr_g=1e-3, lr_d=3e-3, n_critic=5, **extra))
        for objective, extra in (("hinge", {}), ("wgan-gp", {"gp": 10.0}))
    )
    slopes = []
    for engine in (free, held):
        for _ in range(60):
            engine.train_step()
        slopes.append(engine.evaluate()[metrics.D_SLOPE])
    assert abs(slopes[1] - 1) < 0.35 < abs(slopes[0] - 1), slopes


@pytest.mark.parametrize("cure", [{"pack": 2}, {"minibatch_discrimination": 4}])
def test_where_d_sees_several_it_is_not_said(cure):
    assert metrics.D_SLOPE not in GanEngine(Config(**cure)).evaluate()
