"""Diffusion and flow models (Ho et al., 2020; Karras et al., 2022; Lipman et al., 2023): a network learns to take noise away, and samples
begin as pure noise."""

from engines.core import Family
from engines.diffusion.config import Config, cadence, cost
from engines.diffusion.diagnosis import diagnose, headline
from engines.diffusion.presets import PRESETS, Request, resolve
from engines.diffusion.questions import QUESTIONS

FAMILY = Family(
    key="diffusion",
    title="Diffusion",
    summary="A network learns to take noise away; samples begin as pure noise.",
    paper="Ho et al., 2020",
    paper_url="https://arxiv.org/abs/2006.11239",
    Config=Config,
    Request=Request,
    engine="engines.diffusion.build:build",
    presets=PRESETS,
    resolve=resolve,
    cost=cost,
    cadence=cadence,
    diagnose=diagnose,
    headline=headline,
    questions=QUESTIONS,
    references={"diffusers": "engines.diffusion.references"},
)
