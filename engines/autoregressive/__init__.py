"""Autoregressive models: predict the next symbol from all before it, add it, repeat. Text and pixels work the same way."""

from engines.autoregressive.config import Config, cadence, cost
from engines.autoregressive.diagnosis import diagnose, headline
from engines.autoregressive.presets import PRESETS, resolve
from engines.autoregressive.questions import QUESTIONS, Request
from engines.autoregressive.questions_writing import MORE_QUESTIONS
from engines.core import Family

FAMILY = Family(
    key="autoregressive",
    title="Autoregressive",
    summary="Predict the next symbol, add it, repeat. Text and pixels work the same way.",
    paper="Radford et al., 2019",
    paper_url="https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
    Config=Config,
    Request=Request,
    engine="engines.autoregressive.engine:AutoregressiveEngine",
    presets=PRESETS,
    resolve=resolve,
    cost=cost,
    cadence=cadence,
    diagnose=diagnose,
    headline=headline,
    questions=QUESTIONS | MORE_QUESTIONS,
    references={"transformers": "engines.autoregressive.references"},
)
