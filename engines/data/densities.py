"""Densities in 2-D that stay known when Gaussian noise is added: mixtures of Gaussians and mixtures of squares. numpy, float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Density(Protocol):
    """A density whose blurred versions are known. x (n, 2); `sigma` is the standard deviation of added Gaussian noise."""

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray: ...
    def log_prob(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray: ...
    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray: ...


@dataclass(frozen=True)
class Mixture:
    """Gaussians of one covariance. `means` (k, 2); `root` (2, 2) lower triangular, the covariance of each is root rootᵀ;
    `weights` (k,) sum to 1, None for equal ones."""

    means: np.ndarray
    root: np.ndarray
    weights: np.ndarray | None = None

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, 2) float64."""
        return self.means[rng.choice(len(self.means), size=n, p=self.weights)] + rng.standard_normal((n, 2)) @ self.root.T

    def _blurred(self, x: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Precision (2, 2), log weight_k N(x; mean_k, C) up to a constant (n, k), and that constant, for C = covariance + sigma² I."""
        covariance = self.root @ self.root.T + sigma**2 * np.eye(2)
        precision = np.linalg.inv(covariance)
        delta = x[:, None, :] - self.means  # (n, k, 2)
        weight = 1 / len(self.means) if self.weights is None else self.weights
        power = np.log(weight) - 0.5 * ((delta @ precision) * delta).sum(2)  # (n, k)
        return precision, power, -np.log(2 * np.pi) - 0.5 * np.log(np.linalg.det(covariance))

    def log_prob(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """log density in nats, (n,)."""
        _, power, constant = self._blurred(x, sigma)
        top = power.max(1)  # (n,)
        return constant + top + np.log(np.exp(power - top[:, None]).sum(1))

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """Gradient of log_prob in x, (n, 2)."""
        precision, power, _ = self._blurred(x, sigma)
        weight = np.exp(power - power.max(1, keepdims=True))  # (n, k)
        weight /= weight.sum(1, keepdims=True)
        return (weight @ self.means - x) @ precision


@dataclass(frozen=True)
class Squares:
    """Uniform on equal squares. `corners` (k, 2) are the lower left ones, `side` their length."""

    corners: np.ndarray
    side: float

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, 2) float64."""
        return self.corners[rng.integers(len(self.corners), size=n)] + self.side * rng.random((n, 2))

    def log_prob(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """log density in nats, (n,); −inf outside all squares if sigma is 0."""
        if sigma == 0:
            within = (x[:, None] >= self.corners) & (x[:, None] < self.corners + self.side)  # (n, k, 2)
            inside = np.any(np.all(within, axis=2), axis=1)  # (n,)
            return np.where(inside, -np.log(len(self.corners) * self.side**2), -np.inf)
        power = self._log_mass(x, sigma).sum(2)  # (n, k)
        top = power.max(1)
        return top + np.log(np.exp(power - top[:, None]).sum(1)) - np.log(len(self.corners) * self.side**2)

    def score(self, x: np.ndarray, sigma: float = 0.0) -> np.ndarray:
        """Gradient of log_prob in x, (n, 2); 0 if sigma is 0, where the density is flat."""
        if sigma == 0:
            return np.zeros_like(x)
        mass = self._log_mass(x, sigma)  # (n, k, 2)
        power = mass.sum(2)
        weight = np.exp(power - power.max(1, keepdims=True))  # (n, k)
        weight /= weight.sum(1, keepdims=True)
        a = (x[:, None] - self.corners) / sigma  # (n, k, 2)
        b = a - self.side / sigma
        bell = [np.exp(-0.5 * u**2 - mass) for u in (a, b)]  # each over the mass, in logs: both may underflow
        slope = (bell[0] - bell[1]) / (sigma * np.sqrt(2 * np.pi))  # (n, k, 2)
        return (weight[..., None] * slope).sum(1)

    def _log_mass(self, x: np.ndarray, sigma: float) -> np.ndarray:
        """log of the part of a Gaussian at x that lies in each square's side, per axis, (n, k, 2)."""
        from scipy.special import log_ndtr  # comes with scikit-learn

        a = (x[:, None] - self.corners) / sigma
        b = a - self.side / sigma  # a > b
        flip = a + b > 0  # take the difference in the lower tail, where it does not cancel
        high, low = np.where(flip, -b, a), np.where(flip, -a, b)
        return log_ndtr(high) + np.log(-np.expm1(log_ndtr(low) - log_ndtr(high)))
