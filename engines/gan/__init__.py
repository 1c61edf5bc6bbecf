"""Generative adversarial networks (Goodfellow et al., 2014): two networks play, G makes examples, D tells them from the data."""

from engines.core import Family
from engines.gan.config import PRESETS, Config, Request, cadence, resolve
from engines.gan.cost import cost
from engines.gan.diagnosis import diagnose, headline
from engines.gan.questions import QUESTIONS

FAMILY = Family(
    key="gan",
    title="GAN",
    summary="Two networks play: G makes points, D tells them from the data.",
    paper="Goodfellow et al., 2014",
    paper_url="https://arxiv.org/abs/1406.2661",
    Config=Config,
    Request=Request,
    engine="engines.gan.build:build",
    presets=PRESETS,
    resolve=resolve,
    cost=cost,
    cadence=cadence,
    diagnose=diagnose,
    headline=headline,
    questions=QUESTIONS,
)
