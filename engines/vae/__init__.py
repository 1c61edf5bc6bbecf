"""Variational autoencoders (Kingma & Welling, 2013): an encoder says where an example may lie among a few numbers, a decoder what each
place looks like."""

from engines.core import Family
from engines.vae.config import Config, cadence, cost
from engines.vae.diagnosis import diagnose, headline
from engines.vae.presets import PRESETS, Request, resolve
from engines.vae.questions import QUESTIONS

FAMILY = Family(
    key="vae",
    title="VAE",
    summary="Squeeze each example into a few numbers, and make every set of numbers an example.",
    paper="Kingma & Welling, 2013",
    paper_url="https://arxiv.org/abs/1312.6114",
    Config=Config,
    Request=Request,
    engine="engines.vae.engine:VaeEngine",
    presets=PRESETS,
    resolve=resolve,
    cost=cost,
    cadence=cadence,
    diagnose=diagnose,
    headline=headline,
    questions=QUESTIONS,
)
