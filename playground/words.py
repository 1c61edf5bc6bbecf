"""The words for a choice on screen: data sets have titles of their own, losses their usual spelling, the rest are read from the key."""

from __future__ import annotations

from engines.data import DATASETS, OWN

SPELLINGS = {
    "non-saturating": "Non-saturating",
    "minimax": "Minimax, saturating",
    "lsgan": "Least squares",
    "hinge": "Hinge",
    "wgan": "WGAN, clipped",
    "wgan-gp": "WGAN-GP",
    "r1": "Non-saturating + R1",
    "r3gan": "R3GAN",
    "ngram": "n-gram",
    "mlp": "MLP, fixed window",
    "rnn": "RNN",
    "gru": "GRU",
    "gpt2": "GPT-2 style",
    "llama": "Llama 3 style",
    "pixelcnn": "PixelCNN",
    "gated-pixelcnn": "Gated PixelCNN",
    "image-gpt": "Image GPT",
    "char": "Characters",
    "bpe": "BPE",
    "logistic": "Mixture of logistics",
}


def title(knob: str, key: str) -> str:
    """`title("objective", "wgan-gp")` is "WGAN-GP"."""
    if knob == "dataset":
        return DATASETS[key].title if key in DATASETS else OWN[key]
    return SPELLINGS.get(key, key.replace("-", " ").capitalize())
