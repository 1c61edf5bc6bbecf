"""Names of the metrics and what the page must know to draw them. What measures samples is in `measures.py`.

No torch here: the web process imports this file."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

D_LOSS, G_LOSS = "d_loss", "g_loss"
D_GRAD_NORM, G_GRAD_NORM = "d_grad_norm", "g_grad_norm"
D_ACCURACY, PENALTY = "d_accuracy", "penalty"
MODES_COVERED, HQ_FRACTION, REVERSE_KL, SLICED_W1 = "modes_covered", "hq_fraction", "reverse_kl", "sliced_w1"
WIDE_MODES, SHARE_KL = "wide_modes", "share_kl"
FRECHET_DISTANCE, CONFIDENCE = "frechet_distance", "confidence"
CLASSES_COVERED, CLASS_BALANCE, PIXEL_SLICED_W1 = "classes_covered", "class_balance", "pixel_sliced_w1"
MMD, PRECISION, RECALL, DENSITY, COVERAGE = "mmd2", "precision", "recall", "density", "coverage"  # of `engines.clouds`
D_GAP, D_SLOPE = "d_gap", "d_slope"
LOSS, RECON, KL, NEG_ELBO = "loss", "recon", "kl", "neg_elbo"  # of a VAE, on the batches of training
TEST_RECON, TEST_KL, TEST_NEG_ELBO, TEST_IWAE = "test_recon", "test_kl", "test_neg_elbo", "test_iwae"
BITS_PER_DIM, ACTIVE_UNITS, AGGREGATE_KL, SHARPNESS = "bits_per_dim", "active_units", "aggregate_kl", "sharpness"
RECON_FRECHET, ENCODER_GRAD_NORM = "recon_frechet", "encoder_grad_norm"
COMMITMENT, CODES_USED = "commitment", "codes_used"
MSE, GRAD_NORM, VALIDATION_MSE, SCORE_COSINE = "mse", "grad_norm", "validation_mse", "score_cosine"  # of denoising
STRAIGHTNESS, NFE = "straightness", "nfe"
LEARNING_RATE = "learning_rate"
NATS_PER_CHAR, VAL_NATS_PER_CHAR = "nats_per_char", "val_nats_per_char"  # of a text: on the batches of training, and held out
VAL_BITS_PER_BYTE, VAL_PERPLEXITY = "val_bits_per_byte", "val_perplexity"
TRAIN_BITS_PER_DIM, TEST_NLL = "train_bits_per_dim", "test_nll"  # of images, the last one held out
UNIT = "unit"  # among the floors: one unit of the networks, in units of the data
SAMPLES = "n"  # among the floors: how many samples were measured, where that depends on the data
MODE_SHARE = "mode_share/"  # + the number of the mode: its share of all samples, high-quality ones only
LO, HI = "/lo", "/hi"  # after the name of a metric, among the floors: 5 % and 95 % of real draws, whose mean the name alone is

N_EVALUATE = 2_000  # samples per evaluation in 2-D
N_IMAGES = 1_000  # and on images
N_TEST, N_IWAE = 1_000, 100  # test examples of a VAE, and those bounded with 50 draws
N_AUDIT, K_AUDIT = 1_000, 5  # examples and neighbours of an audit
HQ_CEILING = 1 - exp(-4.5)  # 0.9889: the mass of a 2-D Gaussian within 3 sigma of its mean
COVERED = 0.2  # a mode counts from this part of its fair share
WIDE = 10  # sigma: how far from a mode blurred samples still count as its own


@dataclass(frozen=True)
class MetricInfo:
    """How a metric is shown. `target` is the value reached by a perfect model, where it does not depend on the data set; `least` is what no
    value can be below, of a divergence 0."""

    name: str
    title: str
    unit: str = ""
    better: Literal["up", "down", "none"] = "none"
    decimals: int = 2
    scale: Literal["linear", "log", "percent"] = "linear"
    target: float | None = None
    n: int | None = None  # samples per evaluation
    about: str = ""
    least: float | None = None


METRICS: dict[str, MetricInfo] = {
    m.name: m
    for m in (
        MetricInfo(D_LOSS, "Loss of D", about="what D lowers, penalties left out; in nats where D says a probability"),
        MetricInfo(G_LOSS, "Loss of G", about="what G lowers; in nats where D says a probability"),
        MetricInfo(D_GRAD_NORM, "Gradient of D", scale="log", about="length of the gradient of D's loss in its weights"),
        MetricInfo(
            G_GRAD_NORM, "Gradient of G", scale="log", about="length of the gradient of G's loss in its weights; near 0, G stands still"
        ),
        MetricInfo(
            D_ACCURACY,
            "D is right",
            "%",
            decimals=1,
            scale="percent",
            target=0.5,
            about="examples, or pairs, that D puts on the right side; at 50 % it cannot tell",
        ),
        MetricInfo(PENALTY, "Penalty", scale="log", about="what the slope penalties add to the loss of D"),
        MetricInfo(
            MODES_COVERED,
            "Modes covered",
            better="up",
            decimals=0,
            n=N_EVALUATE,
            about="modes that hold at least a fifth of their fair share, counting samples within 3σ",
        ),
        MetricInfo(
            HQ_FRACTION,
            "High quality",
            "%",
            better="up",
            decimals=1,
            scale="percent",
            target=HQ_CEILING,
            n=N_EVALUATE,
            about="samples within 3σ of any mode, one or all: a collapse onto one mode may reach 100 %; 98.9 % of the data are",
        ),
        MetricInfo(
            REVERSE_KL,
            "Reverse KL",
            "nats",
            better="down",
            target=0.0,
            n=N_EVALUATE,
            decimals=3,
            about="from the shares of the modes to equal shares, high-quality samples only; not defined while there are none",
            least=0.0,
        ),
        MetricInfo(
            WIDE_MODES,
            "Modes, wide",
            better="up",
            decimals=0,
            n=N_EVALUATE,
            about="modes that hold at least a fifth of their fair share, counting samples within 10σ: blurred ones too",
        ),
        MetricInfo(
            SHARE_KL,
            "KL of shares",
            "nats",
            better="down",
            decimals=3,
            target=0.0,
            n=N_EVALUATE,
            about="from the shares of the nearest modes, all samples counted, to equal shares: 0 where even, log k on one mode",
        ),
        MetricInfo(
            SLICED_W1,
            "Sliced W₁",
            better="down",
            decimals=3,
            target=0.0,
            n=N_EVALUATE,
            scale="log",
            about="mean of W₁ along 64 directions; a lower bound on W₁, how far the samples must move to become the data",
        ),
        MetricInfo(
            FRECHET_DISTANCE,
            "Fréchet distance",
            better="down",
            decimals=1,
            target=0.0,
            n=N_IMAGES,
            scale="log",
            about="between Gaussians fitted to the features of a small classifier",
        ),
        MetricInfo(
            CONFIDENCE,
            "Confidence",
            "%",
            decimals=1,
            scale="percent",
            n=N_IMAGES,
            about="mean of the classifier's largest probability; above that of real data, samples are more typical than the data",
        ),
        MetricInfo(
            CLASSES_COVERED,
            "Classes covered",
            better="up",
            decimals=0,
            n=N_IMAGES,
            about="classes that hold at least a fifth of their fair share, by the classifier",
        ),
        MetricInfo(
            CLASS_BALANCE,
            "Class balance",
            "nats",
            better="down",
            target=0.0,
            n=N_IMAGES,
            about="reverse KL from the classes of the samples to those of the data",
            least=0.0,
        ),
        MetricInfo(
            PIXEL_SLICED_W1,
            "Sliced W₁ of pixels",
            better="down",
            decimals=3,
            target=0.0,
            n=N_IMAGES,
            about="mean over 64 directions of how far pixels move to become the data; no more than the full distance",
        ),
        MetricInfo(
            D_GAP,
            "Gap of D",
            better="down",
            decimals=3,
            target=0.0,
            n=4_096,
            about="root mean square of D minus the best possible D, p / (p + q), over 4,096 data and samples each: 0 where 64 neighbours "
            "cannot tell the two apart",
        ),
        MetricInfo(
            D_SLOPE,
            "Slope of D",
            scale="log",
            about="mean ‖∇D‖ at 64 places between data and samples, in units of the networks; WGAN-GP asks for 1",
        ),
        MetricInfo(LOSS, "Loss", "nats", "down", 1, about="what training lowers, on its own batches: per example, per token of a text"),
        MetricInfo(RECON, "Reconstruction", "nats", "down", 1, about="−log p(x | z) on the batches of training, summed over dimensions"),
        MetricInfo(KL, "KL", "nats", decimals=2, about="KL(q(z | x) ‖ p(z)) on the batches of training, summed over latents"),
        MetricInfo(NEG_ELBO, "−ELBO", "nats", "down", 1, about="reconstruction + KL on the batches of training; no less than −log p(x)"),
        MetricInfo(TEST_RECON, "Reconstruction, test", "nats", "down", 1, n=N_TEST, about="−log p(x | z), summed over dimensions"),
        MetricInfo(TEST_KL, "KL, test", "nats", decimals=2, n=N_TEST, about="KL(q(z | x) ‖ p(z)), summed over latents"),
        MetricInfo(TEST_NEG_ELBO, "−ELBO, test", "nats", "down", 1, n=N_TEST, about="reconstruction + KL; no less than −log p(x)"),
        MetricInfo(TEST_IWAE, "IWAE-50, test", "nats", "down", 1, n=N_IWAE, about="−log p(x), bounded with 50 draws: no more than −ELBO"),
        MetricInfo(
            BITS_PER_DIM, "Bits per dimension", "bits", "down", 3, n=N_TEST, about="−log₂ p of the test set per value, or a bound on it"
        ),
        MetricInfo(ACTIVE_UNITS, "Active latents", "", "up", 0, n=N_TEST, about="latents whose posterior mean has a variance above 0.01"),
        MetricInfo(
            AGGREGATE_KL, "KL of q(z)", "nats", "down", target=0.0, n=N_TEST, least=0.0, about="KL(q(z) ‖ p(z)), at least; 0 cannot tell"
        ),
        MetricInfo(SHARPNESS, "Sharpness", "%", "up", 0, "percent", 1.0, N_IMAGES, "energy of the Laplacian of samples over that of data"),
        MetricInfo(RECON_FRECHET, "Fréchet, copies", "", "down", 1, "log", 0.0, N_IMAGES, "Fréchet distance of reconstructed test images"),
        MetricInfo(ENCODER_GRAD_NORM, "Gradient of the encoder", scale="log", about="length of the gradient of the loss in its weights"),
        MetricInfo(COMMITMENT, "Distance to codes", better="down", scale="log", about="squared, of encoder outputs to their nearest codes"),
        MetricInfo(CODES_USED, "Codes in use", better="up", decimals=1, about="perplexity: how many, if they were used alike"),
        MetricInfo(MSE, "Loss", "", "down", 3, about="squared error of the network per dimension, on the batches of training"),
        MetricInfo(GRAD_NORM, "Gradient", scale="log", about="length of the gradient of the loss in all weights, before it is cut"),
        MetricInfo(
            VALIDATION_MSE, "Loss, fixed noise", "", "down", 3, about="on the same held-out examples, noise and noise levels each time"
        ),
        MetricInfo(SCORE_COSINE, "Score", "", "up", 3, target=1.0, about="cosine between learned and exact score, over all noise levels"),
        MetricInfo(STRAIGHTNESS, "Straightness", "", "up", 3, target=1.0, n=N_EVALUATE, about="from noise to sample, over the way taken"),
        MetricInfo(NFE, "Evaluations", "", decimals=0, about="of the network for one sample"),
        MetricInfo(LEARNING_RATE, "Learning rate", decimals=5, scale="log", about="step size of the optimiser"),
        MetricInfo(NATS_PER_CHAR, "Training", "nats/char", "down", about="−log p per character, on the batches of training"),
        MetricInfo(VAL_NATS_PER_CHAR, "Held out", "nats/char", "down", about="−log p per character of text held out"),
        MetricInfo(VAL_BITS_PER_BYTE, "Bits per byte", "bits", "down", about="of text held out, as UTF-8; independent of the tokens"),
        MetricInfo(
            VAL_PERPLEXITY, "Perplexity", "", "down", about="exp of −log p per token of text held out: as if so many were as likely"
        ),
        MetricInfo(
            TRAIN_BITS_PER_DIM, "Bits per pixel, training", "bits", "down", 3, about="−log₂ p per pixel, on the batches of training"
        ),
        MetricInfo(TEST_NLL, "−log p, test", "nats", "down", 1, about="of one image of the test set, on average"),
        MetricInfo(MMD, "MMD²", "", "down", 5, target=0.0, n=N_AUDIT, about="kernel distance, unbiased: below 0 as often as above at best"),
        MetricInfo(PRECISION, "Precision", "%", "up", 1, "percent", n=N_AUDIT, about="samples as near to data as data are to each other"),
        MetricInfo(RECALL, "Recall", "%", "up", 1, "percent", n=N_AUDIT, about="data as near to samples as samples are to each other"),
        MetricInfo(DENSITY, "Density", "", "up", target=1.0, n=N_AUDIT, about="neighbourhoods of data around a sample, over k = 5"),
        MetricInfo(COVERAGE, "Coverage", "%", "up", 1, "percent", n=N_AUDIT, about="neighbourhoods of data that hold a sample"),
    )
}
