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
    "elbo": "ELBO",
    "beta-vae": "β-VAE",
    "warm-up": "KL warm-up",
    "iwae": "IWAE",
    "vq-vae": "VQ-VAE",
    "logistic": "Discretised logistic",
    "reinforce": "REINFORCE",
    "reinforce-baseline": "REINFORCE with baseline",
    "mlp": "Fully connected",
    "conv": "Convolutional",
    "silu": "SiLU",
    "relu": "ReLU",
    "flow": "Velocity (flow)",
    "v": "v",
    "eps": "Noise ε",
    "x0": "Example x₀",
    "ddpm": "DDPM",
    "ddim": "DDIM",
    "dpmpp-2m": "DPM-Solver++ 2M",
    "dpmpp-2m-sde": "DPM-Solver++ 2M SDE",
    "unipc": "UniPC",
    "lognormal": "Log-normal",
    "snr": "SNR",
    "min-snr": "Min-SNR",
    "edm": "EDM",
    "unet": "UNet",
    "dit": "DiT",
    "ngram": "n-gram",
    "rnn": "RNN",
    "gru": "GRU",
    "gpt2": "GPT-2 style",
    "llama": "Llama 3 style",
    "pixelcnn": "PixelCNN",
    "gated-pixelcnn": "Gated PixelCNN",
    "image-gpt": "Image GPT",
    "char": "Characters",
    "bpe": "BPE",
}


def title(knob: str, key: str) -> str:
    """`title("objective", "wgan-gp")` is "WGAN-GP"."""
    if knob == "dataset":
        return DATASETS[key].title if key in DATASETS else OWN[key]
    return SPELLINGS.get(key, key.replace("-", " ").capitalize())
