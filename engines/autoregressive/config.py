"""The knobs of an autoregressive run and what it costs. No torch here: the form is made from this file."""

from __future__ import annotations

from dataclasses import dataclass

from engines.config import knob, validate
from engines.core import Cost
from engines.data import DATASETS, choices, kind

TEXT_MODELS = {
    "ngram": "counts of n tokens, smoothed by shorter counts; nothing to learn",
    "mlp": "a fixed window of tokens through one hidden layer; Bengio et al., 2003",
    "rnn": "one state, passed on from token to token; Elman, 1990",
    "gru": "a state with gates that say what to keep; Cho et al., 2014",
    "gpt2": "attention, learned positions, LayerNorm, GELU; Radford et al., 2019",
    "llama": "attention, rotary positions, RMSNorm, SwiGLU, grouped queries; Grattafiori et al., 2024",
}
PIXEL_MODELS = {
    "pixelcnn": "masked convolutions, which leave a blind spot; van den Oord et al., 2016a",
    "gated-pixelcnn": "two stacks of gated convolutions that see all pixels before; van den Oord et al., 2016b",
    "image-gpt": "a transformer over the pixels in turn; Chen et al., 2020",
}
MODELS = TEXT_MODELS | PIXEL_MODELS
TRANSFORMERS = ("gpt2", "llama", "image-gpt")
LEARNED = tuple(m for m in MODELS if m != "ngram")  # by gradient
TOKENS = {"char": "every character is a token", "bpe": "frequent pairs are merged into tokens; Sennrich et al., 2016"}
LEVELS = {"2": "black and white", "4": "four greys", "16": "sixteen greys", "17": "as the 8×8 digits have them", "256": "all greys"}
ORDERS = {"raster": "row by row, from the top left", "reverse": "from the bottom right", "random": "one fixed shuffled order"}
LIKELIHOODS = {
    "softmax": "a probability for each level, learned one by one",
    "logistic": "a mixture of logistics cut into bins, so that near levels are alike; Salimans et al., 2017",
}
BINARISATION = {
    "threshold": "white from half up",
    "sampled": "white as often as the pixel is bright, drawn once; Salakhutdinov & Murray, 2008",
}
PRECISIONS = {
    "float32": "24 bits of mantissa everywhere",
    "bfloat16": "8 bits of mantissa in products and convolutions of training, weights and sums as before; Micikevicius et al., 2018",
}
# Knobs that say something only where others have one of these values.
MATTERS: dict[str, dict[str, tuple[str, ...]]] = {
    "lr": {"model": LEARNED},
    "vocab": {"tokens": ("bpe",)},
    "order": {"model": ("ngram",)},
    "block_size": {"model": tuple(m for m in TEXT_MODELS if m != "ngram")},
    "layers": {"model": (*TRANSFORMERS, "pixelcnn", "gated-pixelcnn")},
    "width": {"model": LEARNED},
    "heads": {"model": TRANSFORMERS},
    "kv_heads": {"model": ("llama",)},
    "rope_theta": {"model": ("llama",)},
    "tied": {"model": ("gpt2", "llama")},
    "causal": {"model": TRANSFORMERS},
    "window": {"model": ("mlp",)},
    "hidden": {"model": ("mlp",)},
    "kernel": {"model": ("pixelcnn", "gated-pixelcnn")},
    "likelihood": {"model": ("pixelcnn", "gated-pixelcnn")},
    "mixtures": {"likelihood": ("logistic",)},
    "binarise": {"levels": ("2",)},
    **{name: {"model": LEARNED} for name in ("accumulate", "weight_decay", "clip", "warmup", "lr_end", "beta2", "ema_decay", "precision")},
}
VOCAB = {"moby": 83, "shakespeare": 65}  # different characters
SIDE_OWN, SIDE_CODES, VOCAB_OWN = 32, 8, 256  # guessed where only the visitor's data can tell


# Pixels are greys here: colour sets are left to the other families, one's own pictures are turned grey.
DATA = choices("text") | {key: about for key, about in choices("image").items() if key != "emoji"} | choices("codes")


@dataclass(frozen=True)
class Config:
    """One autoregressive run, on a text or on images. Learning rate, weight decay and clipping may change while it trains."""

    dataset: str = knob("moby", "Data set", choices=DATA)
    model: str = knob("gpt2", "Model", choices=MODELS)
    lr: float = knob(2e-3, "Learning rate", lo=1e-5, hi=0.1, log=True, live=True, help="largest step size of AdamW")
    steps: int = knob(2_000, "Steps", unit="updates", lo=1, hi=200_000, log=True, help="length of the run")
    batch: int = knob(16, "Batch", unit="examples", lo=1, hi=256, log=True, help="pieces of text, or images, per pass")
    seed: int = knob(7, "Seed", lo=0, hi=9_999, step=1, help="same seed and settings, same run")

    tokens: str = knob("char", "Tokens", choices=TOKENS, kind="text")
    vocab: int = knob(1_024, "Tokens of BPE", lo=300, hi=4_096, log=True, kind="text", help="256 bytes and the pairs merged")
    block_size: int = knob(64, "Context", unit="tokens", lo=8, hi=512, log=True, kind="text", help="what one prediction can look back on")
    order: int = knob(3, "Order of the n-gram", unit="tokens", lo=1, hi=6, kind="text", help="1 = unigram")
    limit: int = knob(0, "Characters trained on", lo=0, hi=2_000_000, kind="text", help="0 = all of them; few are soon known by heart")
    levels: str = knob("2", "Grey levels", choices=LEVELS, kind="image")
    pixel_order: str = knob("raster", "Order of the pixels", choices=ORDERS, kind="image")
    conditional: bool = knob(False, "Tell it the class", kind="image", help="each layer, or the first token, depends on the class")

    layers: int = knob(3, "Layers", lo=1, hi=16, group="advanced")
    width: int = knob(96, "Width", unit="channels", lo=8, hi=512, log=True, group="advanced", help="numbers per token or pixel")
    heads: int = knob(4, "Heads", lo=1, hi=16, group="advanced", help="of attention; they divide the width")
    kv_heads: int = knob(4, "Heads of keys and values", lo=1, hi=16, group="advanced", help="they divide the heads. Ainslie et al., 2023")
    rope_theta: float = knob(10_000.0, "Rotary base θ", lo=100.0, hi=1e6, log=True, group="advanced", help="Su et al., 2021")
    tied: bool = knob(True, "Head shares the embedding", group="advanced", help="Press & Wolf, 2017")
    causal: bool = knob(True, "Causal mask", group="fixes", help="off, each token sees the one it is to predict: the loss is worth nothing")
    window: int = knob(8, "Window of the MLP", unit="tokens", lo=1, hi=32, group="advanced", kind="text")
    hidden: int = knob(256, "Hidden units of the MLP", lo=8, hi=1_024, log=True, group="advanced", kind="text")
    kernel: int = knob(3, "Kernel", unit="pixels", lo=3, hi=7, step=2, group="advanced", kind="image")
    likelihood: str = knob("softmax", "Distribution of a pixel", choices=LIKELIHOODS, group="advanced", kind="image")
    mixtures: int = knob(5, "Logistics in the mixture", lo=1, hi=10, group="advanced", kind="image")
    binarise: str = knob("sampled", "Black and white", choices=BINARISATION, group="advanced", kind="image", help="for two levels")

    accumulate: int = knob(1, "Passes per step", lo=1, hi=16, group="advanced", help="gradients of so many batches are added up")
    weight_decay: float = knob(
        0.1,
        "Weight decay",
        lo=0.0,
        hi=1.0,
        group="fixes",
        live=True,
        help="decoupled from the gradient; matrices only. Loshchilov & Hutter, 2019",
    )
    clip: float = knob(
        1.0, "Largest gradient", lo=0.0, hi=100.0, log=True, group="fixes", live=True, help="its length is cut to this; 0 = off"
    )
    warmup: int = knob(50, "Warm-up", unit="steps", lo=0, hi=5_000, group="advanced", help="the rate rises to its full value")
    lr_end: float = knob(0.1, "Rate at the end", lo=0.0, hi=1.0, group="advanced", help="of the full rate, along a cosine; 1 = constant")
    beta2: float = knob(0.99, "Adam β₂", lo=0.5, hi=0.9999, group="advanced")
    ema_decay: float = knob(0.0, "Average of the weights", lo=0.0, hi=0.9999, group="advanced", help="decay per step; 0 = the raw weights")
    precision: str = knob("float32", "Precision", choices=PRECISIONS, group="advanced", help="bfloat16 is faster where the machine has it")

    def __post_init__(self) -> None:
        validate(self)
        refuse(self)


def refuse(c: Config) -> None:
    """ValueError for knobs that cannot combine."""
    allowed = TEXT_MODELS if kind(c.dataset) == "text" else PIXEL_MODELS
    if c.model not in allowed:
        raise ValueError(f"model={c.model} cannot combine with dataset={c.dataset}; it takes {', '.join(allowed)}")
    if c.model in TRANSFORMERS:
        if c.width % (2 * c.heads):
            raise ValueError(f"heads={c.heads} cannot combine with width={c.width}: each head needs an even share of it")
        if c.heads % kv_heads(c):
            raise ValueError(f"kv_heads={c.kv_heads} cannot combine with heads={c.heads}, which it does not divide")
    if c.model == "pixelcnn" and c.width % 2:
        raise ValueError(f"width={c.width} is not even, which model=pixelcnn needs")
    if not c.causal and c.model not in TRANSFORMERS:
        raise ValueError(f"causal=false cannot combine with model={c.model}, which has no mask")
    if c.model == "image-gpt" and c.likelihood != "softmax":
        raise ValueError("likelihood=logistic cannot combine with model=image-gpt, whose levels are tokens")
    if kind(c.dataset) == "codes" and (c.likelihood != "softmax" or c.conditional):
        raise ValueError("codes have no order and no classes: likelihood=softmax and conditional=false are needed")


def kv_heads(c: Config) -> int:
    """GPT-2 knows no groups: as many heads of keys as of queries."""
    return c.kv_heads if c.model == "llama" else c.heads


def ffn(c: Config) -> int:
    """Width inside the feed-forward part: 4 × for GELU, 8/3 × for SwiGLU, which has three matrices instead of two."""
    return 8 * round(c.width / 3) if c.model == "llama" else 4 * c.width


def vocabulary(c: Config) -> int:
    """Tokens of a text, as far as the Config tells."""
    return c.vocab if c.tokens == "bpe" else VOCAB.get(c.dataset, VOCAB_OWN)


def sides(c: Config) -> tuple[int, int]:
    """Rows and columns of an image, or of a grid of codes: a quarter of the image's."""
    if c.dataset in DATASETS:
        return DATASETS[c.dataset].shape[1:]  # type: ignore[return-value]
    return (SIDE_CODES, SIDE_CODES) if kind(c.dataset) == "codes" else (SIDE_OWN, SIDE_OWN)


def classes(c: Config) -> int:
    """How many classes the model is told, 0 if none."""
    return len(DATASETS[c.dataset].classes) if c.conditional and c.dataset in DATASETS else 0


def cost(c: Config) -> Cost:
    """Parameters, FLOP per step (forward + 2 × backward) and bytes (parameters, gradients, two moments, average, activations)."""
    if kind(c.dataset) == "text":
        v = vocabulary(c)
        n = text_parameters(c, v)
        examples = c.batch * c.block_size
        matmul = n - (0 if c.model in TRANSFORMERS and c.tied else v * c.width)
        units = {"ngram": v, "mlp": c.hidden + v}.get(c.model, 12 * c.layers * c.width + 2 * v)
        attention = 4 * c.layers * c.block_size * c.width if c.model in TRANSFORMERS else 0
    else:
        h, w = sides(c)
        n, examples = pixel_parameters(c), c.batch * h * w
        matmul, units = n, 12 * c.layers * c.width + 2 * outputs(c)
        attention = 4 * c.layers * h * w * c.width if c.model == "image-gpt" else 0
    flop = 3.0 * c.accumulate * examples * (2 * max(matmul, 0) + attention)
    return Cost(parameters=n, flop_per_step=flop, bytes=4 * (5 * n + examples * units))


def text_parameters(c: Config, v: int) -> int:
    """Parameters of a text model with v tokens; an n-gram has counts instead."""
    w = c.width
    if c.model == "ngram":
        return 0
    if c.model == "mlp":
        return (v + 1) * w + (c.window * w + 1) * c.hidden + (c.hidden + 1) * v
    if c.model in ("rnn", "gru"):
        return v * w + (3 if c.model == "gru" else 1) * (2 * w * w + 2 * w) + (w + 1) * v
    return transformer_parameters(c, v, c.block_size)


def transformer_parameters(c: Config, v: int, block_size: int) -> int:
    w, dim = c.width, c.width // c.heads
    qkv = (c.heads + 2 * kv_heads(c)) * dim
    if c.model == "llama":
        layer = w * qkv + w * w + 3 * w * ffn(c) + 2 * w
        rest = w
    else:
        layer = (w + 1) * qkv + (w + 1) * w + 2 * w * ffn(c) + ffn(c) + w + 4 * w
        rest = 2 * w + block_size * w
    return c.layers * layer + rest + v * w * (1 if c.tied else 2)


def outputs(c: Config) -> int:
    return int(c.levels) if c.likelihood == "softmax" else 3 * c.mixtures


def pixel_parameters(c: Config) -> int:
    w, out, told, (rows, columns) = c.width, outputs(c), classes(c), sides(c)
    if c.model == "image-gpt":
        return transformer_parameters(c, int(c.levels) + max(told, 1), rows * columns)  # a token to begin with, one per class
    inputs, first = (int(c.levels) if int(c.levels) <= 32 else 2), first_kernel(c)
    head = (w + 1) * w + (w + 1) * out
    if c.model == "pixelcnn":
        half = w // 2
        block = (w + 1) * half + (c.kernel**2 * half + 1) * half + (half + 1) * w + told * w
        return (first**2 * inputs + 1) * w + c.layers * block + head
    total = head
    for i in range(c.layers):
        c_in, k = (w, c.kernel) if i else (inputs, first)
        left = k // 2 + (1 if i else 0)
        total += (c_in * (k // 2 + 1) * k + 1) * 2 * w + (2 * w + 1) * 2 * w + (c_in * left + 1) * 2 * w + (w + 1) * w + told * 4 * w
    return total


def first_kernel(c: Config) -> int:
    """7×7, as in the paper; 5×5 where an image is hardly larger."""
    return 7 if min(sides(c)) > 12 else 5


def cadence(c: Config) -> tuple[int, int]:
    """Steps between looks and looks between evaluations: a look draws from the model, an evaluation reads what is held out."""
    if kind(c.dataset) == "text":
        return max(1, min(50, c.steps // 100)), 2
    looks = 100 if min(sides(c)) <= 12 else 40
    return max(1, min(200, c.steps // looks)), 2
