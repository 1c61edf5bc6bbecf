"""The random streams of an engine whose training is a compiled kernel: torch's for the first weights, the kernel's own for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from engines.state import Rng


class KernelStreams(Rng):
    """torch's "init" stream, and the kernel's own by `names`: 64 bits each, held in `counters` (len(names),) uint64."""

    def __init__(self, seed: int, names: tuple[str, ...]):
        super().__init__(seed, ("init", *names))
        self.names = names
        self.counters = np.array([self._spread(crc32(f"{seed}/{name}".encode())) for name in names], np.uint64)

    @staticmethod
    def _spread(seed: int) -> int:
        """64 bits from 32: neighbouring seeds start far apart."""
        return (seed << 32 | crc32(seed.to_bytes(4, "little"))) & (2**64 - 1)

    def state_dict(self) -> dict[str, Tensor]:
        state = {"init": self["init"].get_state()}
        for name, counter in zip(self.names, self.counters, strict=True):
            state[name] = torch.from_numpy(np.frombuffer(counter.tobytes(), np.uint8).copy())
        return state

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """A stream of torch cannot be continued: a new one starts from what its state hashes to."""
        super().load_state_dict({name: state[name] if name == "init" else self[name].get_state() for name in self.streams})
        for i, name in enumerate(self.names):
            raw = state[name].cpu().numpy().tobytes()
            self.counters[i] = int.from_bytes(raw, "little") if len(raw) == 8 else self._spread(crc32(raw))
