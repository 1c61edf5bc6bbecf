"""The two networks. The encoder says where an example may lie among the latents, q(z | x); the decoder what a place looks like, p(x | z).
Kingma & Welling, 2013."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.data import DatasetInfo
from engines.nn.init import reset
from engines.vae.config import Config, heads, levels
from engines.vae.likelihoods import Likelihood, build

CLASS_SCALE = 2.0  # the one in the one-hot class, so that it weighs as much as the numbers beside it
ACTIVATIONS = {"silu": nn.SiLU, "tanh": nn.Tanh, "relu": nn.ReLU}


class Encoder(nn.Module):
    """x (n, …) and, if the run is conditional, classes y (n,) -> mu (n, d), logvar (n, d) of a Gaussian with a diagonal covariance."""

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mu, logvar = self.features(x, y).chunk(2, 1)
        return mu, logvar

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """All that the encoder says, (n, 2 d), or (n, tokens · code_dim) of a VQ-VAE."""
        return self.net(x, one_hot(y, self.classes))


class Decoder(nn.Module):
    """z (n, d) and, if the run is conditional, classes y (n,) -> the numbers of the likelihood, (n, factor · c, …)."""

    def __init__(self, net: nn.Module, classes: int, likelihood: Likelihood):
        super().__init__()
        self.net, self.classes, self.likelihood = net, classes, likelihood

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return self.net(z, one_hot(y, self.classes))

    def log_prob(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x | z) in nats per example: z (n, d) -> (n,); of k draws z (k, n, d) -> (k, n)."""
        if z.dim() == 2:
            return self.likelihood.log_prob(self(z, y), x)
        k, n = z.shape[:2]
        every = x.expand(k, *x.shape).flatten(0, 1)  # (k n, …)
        classes = None if y is None else y.repeat(k)
        return self.likelihood.log_prob(self(z.flatten(0, 1), classes), every).unflatten(0, (k, n))


class DenseNet(nn.Module):
    """Linear layers with activations between them, examples flattened: (n, …) -> (n, *shape). Classes come in beside the example."""

    def __init__(self, sizes: list[int], shape: tuple[int, ...], classes: int, activation: str):
        super().__init__()
        sizes = [sizes[0] + classes, *sizes[1:]]
        # no weights yet: `reset` draws them
        self.layers = nn.ModuleList(nn.utils.skip_init(nn.Linear, a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.shape, self.activation = shape, ACTIVATIONS[activation]()

    def forward(self, x: Tensor, told: Tensor | None) -> Tensor:
        x = x.flatten(1) if told is None else torch.cat([x.flatten(1), told], 1)
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x).unflatten(1, self.shape)

    @property
    def last(self) -> nn.Linear:
        """The output layer, whose bias may start at the mean of the data."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer


def one_hot(y: Tensor | None, classes: int) -> Tensor | None:
    """Classes (n,) -> (n, classes); None where the networks are not told."""
    if not classes:
        return None
    if y is None:
        raise ValueError("a conditional VAE has to be told the classes")
    return F.one_hot(y, classes) * CLASS_SCALE


def build_networks(config: Config, info: DatasetInfo, generator: torch.Generator) -> tuple[Encoder, Decoder]:
    """Encoder and decoder for a data set, on the generator's device, with first weights from `generator`."""
    shape, classes = info.shape, len(info.classes) if config.conditional else 0
    likelihood = build(config.likelihood, config.sigma, config.learn_sigma, levels(config))
    outputs = (likelihood.factor * shape[0], *shape[1:])
    said, taken = heads(config, shape)
    if config.network == "conv":
        from engines.vae.convnets import ConvDecoder, ConvEncoder

        nets: tuple[nn.Module, nn.Module] = (
            ConvEncoder(config, shape, said, classes),
            ConvDecoder(config, shape, taken, classes, outputs[0]),
        )
    else:
        hidden = [config.width] * config.depth
        nets = (
            DenseNet([prod(shape), *hidden, said], (said,), classes, config.activation),
            DenseNet([taken, *hidden, prod(outputs)], outputs, classes, config.activation),
        )
    for net in nets:
        reset(net.to(generator.device), generator)
    return Encoder(nets[0], classes), Decoder(nets[1], classes, likelihood).to(generator.device)


@torch.no_grad()
def start_at_mean(decoder: Decoder, mean: Tensor) -> None:
    """Let the first output be the mean of binary or grey data in [0, 1], (c, h, w), whatever z is (as Burda et al., 2016, do)."""
    if isinstance(decoder.net, DenseNet):
        decoder.net.last.bias.copy_(torch.logit(mean.flatten(), eps=1e-3))
