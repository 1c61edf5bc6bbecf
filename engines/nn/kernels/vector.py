"""The two products that all the time goes into, as blocks of vector instructions. LLVM's own vectoriser keeps sums in memory;
written out, they stay in registers.

`rows_block(n, epilogue)` gives n rows of  y = epilogue(start + W x)  for one tile. W has element (r, k) at w + r row + k col, so the
same block serves W and its transpose. Epilogues:
    linear   start = bias                       leaky    start = bias, then LeakyReLU
    raw      start = 0                          masked   start = 0, then times the slope of LeakyReLU at h
    tangent  as masked (t), and also u = c h + t
`outer_block` adds  sum over tiles and columns of e_j u_i  to a block of the weight gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from engines.nn.kernels.target import COLUMNS, LANES
from engines.nn.mlp import SLOPE

FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES or 1)
PARTS = range(COLUMNS // (LANES or 1))  # vectors per row of a tile


class Emitter:
    """Short names for the instructions used here. Offsets count floats."""

    def __init__(self, builder: Any):
        self.b = builder
        shape = ir.FunctionType(VECTOR, [VECTOR] * 3)
        self._fma = cgutils.get_or_insert_function(builder.module, shape, f"llvm.fma.v{LANES}f32")

    def at(self, base: Any, offset: Any) -> Any:
        return self.b.gep(base, [offset if isinstance(offset, ir.Value) else ir.Constant(INT64, offset)])

    def load(self, pointer: Any) -> Any:
        return self.b.load(self.b.bitcast(pointer, VECTOR.as_pointer()), align=4 * LANES)

    def store(self, vector: Any, pointer: Any) -> None:
        self.b.store(vector, self.b.bitcast(pointer, VECTOR.as_pointer()), align=4 * LANES)

    def splat(self, pointer: Any) -> Any:
        """One float in every lane."""
        nothing = ir.Constant(VECTOR, ir.Undefined)
        one = self.b.insert_element(nothing, self.b.load(pointer), ir.Constant(INT32, 0))
        return self.b.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))

    def constant(self, value: float) -> Any:
        return ir.Constant(VECTOR, [float(np.float32(value))] * LANES)

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.b.call(self._fma, [a, b, c])

    def times_slope(self, v: Any, where: Any) -> Any:
        """v where `where` is above 0, else v times LeakyReLU's slope."""
        return self.b.select(self.b.fcmp_ordered(">", where, self.constant(0)), v, self.b.fmul(v, self.constant(SLOPE)))

    def loop(self, n: Any, carried: list[Any], body: Any) -> list[Any]:
        """carried = body(k, carried) for k in range(n), n >= 1, all of it in registers."""
        b = self.b
        before, inside, after = b.block, b.append_basic_block("inside"), b.append_basic_block("after")
        b.branch(inside)
        b.position_at_end(inside)
        k = b.phi(INT64)
        k.add_incoming(ir.Constant(INT64, 0), before)
        phis = [b.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        results = body(k, phis)
        following = b.add(k, ir.Constant(INT64, 1))
        k.add_incoming(following, b.block)
        for phi, value in zip(phis, results, strict=True):
            phi.add_incoming(value, b.block)
        b.cbranch(b.icmp_signed("<", following, n), inside, after)
        b.position_at_end(after)
        return results


def data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Pointer to the first float of an array."""
    return context.make_array(kind)(context, builder, value).data


def rows_block(n: int, epilogue: str) -> Any:
    """See above. `block(W, w, row, col, K, bias, X, x, y, h, u, c)`: offsets into the weights W and the arena X."""

    @intrinsic
    def block(typing, W, w, row, col, K, bias, X, x, y, h, u, c):  # type: ignore[no-untyped-def]
        i = types.intp

        def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
            _, w, row, col, K, bias, _, x, y, h, u, c = args
            W, X = (data(context, builder, signature.args[k], args[k]) for k in (0, 6))
            emit = Emitter(builder)
            starts = [emit.at(emit.at(W, w), builder.mul(row, ir.Constant(INT64, r))) for r in range(n)]
            sums = _sums(emit, starts, col, K, emit.at(X, x), emit.at(W, bias) if epilogue in ("linear", "leaky") else None)
            for r in range(n):
                for part in PARTS:
                    here = ir.Constant(INT64, r * COLUMNS + part * LANES)
                    places = {name: emit.at(emit.at(X, offset), here) for name, offset in (("y", y), ("h", h), ("u", u))}
                    places["c"] = emit.at(emit.at(X, c), part * LANES)
                    _finish(emit, epilogue, sums[r * len(PARTS) + part], places)
            return context.get_dummy_value()

        return types.void(W, i, i, i, i, i, X, i, i, i, i, i), generate

    return block


def _sums(emit: Emitter, starts: list[Any], col: Any, K: Any, x: Any, bias: Any) -> list[Any]:
    """start + sum over k of W[r, k] x[k], for each row and each part of a row."""
    first = [emit.constant(0) if bias is None else emit.splat(emit.at(bias, r)) for r in range(len(starts))]

    def body(k: Any, sums: list[Any]) -> list[Any]:
        row = emit.at(x, emit.b.mul(k, ir.Constant(INT64, COLUMNS)))
        xs = [emit.load(emit.at(row, part * LANES)) for part in PARTS]
        step = emit.b.mul(k, col)
        weights = [emit.splat(emit.at(start, step)) for start in starts]
        return [emit.fma(weights[i // len(PARTS)], xs[i % len(PARTS)], value) for i, value in enumerate(sums)]

    return emit.loop(K, [value for value in first for _ in PARTS], body)


def _finish(emit: Emitter, epilogue: str, value: Any, places: dict[str, Any]) -> None:
    """Write one vector of the result."""
    if epilogue == "leaky":
        value = emit.times_slope(value, value)
    elif epilogue in ("masked", "tangent"):
        h = emit.load(places["h"])
        value = emit.times_slope(value, h)
        if epilogue == "tangent":
            emit.store(emit.fma(emit.load(places["c"]), h, value), places["u"])
    emit.store(value, places["y"])


OUTER = max(1, LANES // 4)  # rows of an outer block: OUTER x 4 sums of LANES lanes, as many as there are lanes


def _outer_block(typing, grads, g, row, X, e, e_tile, u, u_tile, tiles):  # type: ignore[no-untyped-def]
    """grads[g + j row + i] += sum over tiles t and columns of X[e + t e_tile + j COLUMNS] X[u + t u_tile + i COLUMNS]"""
    n = types.intp

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        _, g, row, _, e, e_tile, u, u_tile, tiles = args
        grads, X = (data(context, builder, signature.args[k], args[k]) for k in (0, 3))
        emit = Emitter(builder)

        def body(t: Any, sums: list[Any]) -> list[Any]:
            left = emit.at(X, builder.add(e, builder.mul(t, e_tile)))
            right = emit.at(X, builder.add(u, builder.mul(t, u_tile)))
            for part in PARTS:
                es = [emit.load(emit.at(left, j * COLUMNS + part * LANES)) for j in range(OUTER)]
                us = [emit.load(emit.at(right, i * COLUMNS + part * LANES)) for i in range(4)]
                sums = [emit.fma(es[k // 4], us[k % 4], value) for k, value in enumerate(sums)]
            return sums

        total = _lane_sums(builder, emit.loop(tiles, [emit.constant(0)] * (4 * OUTER), body))
        _add_rows(emit, total, emit.at(grads, g), row)
        return context.get_dummy_value()

    return types.void(grads, n, n, X, n, n, n, n, n), generate


outer_block: Any = intrinsic(_outer_block)


def _lane_sums(builder: Any, vectors: list[Any]) -> Any:
    """LANES vectors -> one vector whose lane k is the sum of vector k. Each round adds the halves of pairs of vectors, side by side."""
    group = LANES
    while group > 1:
        half = group // 2
        starts = [s + k * group for s in (0, LANES) for k in range(LANES // group)]

        def pick(shift: int, starts: list[int] = starts, half: int = half) -> Any:
            return ir.Constant(ir.VectorType(INT32, LANES), [s + shift + k for s in starts for k in range(half)])

        pairs = [(vectors[k], vectors[k + 1]) for k in range(0, len(vectors), 2)]
        low = [builder.shuffle_vector(a, b, pick(0)) for a, b in pairs]
        high = [builder.shuffle_vector(a, b, pick(half)) for a, b in pairs]
        vectors = [builder.fadd(a, b) for a, b in zip(low, high, strict=True)]
        group = half
    return vectors[0]


def _add_rows(emit: Emitter, total: Any, g: Any, row: Any) -> None:
    """Add lanes 4 j to 4 j + 3 to row j of the gradient."""
    four = ir.VectorType(FLOAT, 4)
    for j in range(OUTER):
        lanes = ir.Constant(ir.VectorType(INT32, 4), [4 * j + k for k in range(4)])
        place = emit.b.bitcast(emit.at(g, emit.b.mul(row, ir.Constant(INT64, j))), four.as_pointer())
        emit.b.store(emit.b.fadd(emit.b.load(place, align=4), emit.b.shuffle_vector(total, total, lanes)), place, align=4)
