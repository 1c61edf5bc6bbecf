"""The same weights in `transformers`, both ways: our GPT-2 style and GPT2LMHeadModel, our Llama style and LlamaForCausalLM.

Imported where it is used: `transformers` takes seconds to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.autoregressive.config import TRANSFORMERS, Config
from engines.autoregressive.engine import AutoregressiveEngine
from engines.autoregressive.presets import resolve
from engines.autoregressive.tokens_out import check_tokens, save_tokenizer
from engines.autoregressive.transformer import Shape, Transformer
from engines.config import knobs
from engines.data import kind
from engines.data import load as load_data
from engines.exchange import CARD, engine_of_card

# our names -> theirs, {i} = the layer
GPT2 = {
    "tokens.weight": "transformer.wte.weight",
    "positions.weight": "transformer.wpe.weight",
    "norm.weight": "transformer.ln_f.weight",
    "norm.bias": "transformer.ln_f.bias",
    "head.weight": "lm_head.weight",
}
GPT2_LAYER = {"norm1": "ln_1", "attention.qkv": "attn.c_attn", "attention.out": "attn.c_proj", "norm2": "ln_2", "mlp.up": "mlp.c_fc",
              "mlp.down": "mlp.c_proj"}  # fmt: skip
LLAMA = {"tokens.weight": "model.embed_tokens.weight", "norm.weight": "model.norm.weight", "head.weight": "lm_head.weight"}
LLAMA_LAYER = {
    "norm1": "input_layernorm", "attention.out": "self_attn.o_proj", "norm2": "post_attention_layernorm", "mlp.gate": "mlp.gate_proj",
    "mlp.up": "mlp.up_proj", "mlp.down": "mlp.down_proj",
}  # fmt: skip
LLAMA_QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def shape_of(config: Any) -> Shape:
    """Our Shape from a GPT2Config or LlamaConfig. ValueError for what ours does not have."""
    if config.model_type == "gpt2":
        if config.activation_function not in ("gelu_new", "gelu_pytorch_tanh") or getattr(config, "scale_attn_by_inverse_layer_idx", False):
            raise ValueError(f"a GPT-2 with {config.activation_function} or scaled layers is not supported")
        hidden = config.n_inner or 4 * config.n_embd
        return Shape("gpt2", config.vocab_size, config.n_positions, config.n_layer, config.n_head, config.n_head, config.n_embd, hidden,
                     tied=config.tie_word_embeddings, eps=config.layer_norm_epsilon)  # fmt: skip
    if config.model_type != "llama":
        raise ValueError(f"model_type={config.model_type} is not gpt2 or llama")
    rope = config.rope_parameters
    head_dim = config.head_dim or config.hidden_size // config.num_attention_heads
    if rope.get("rope_type", "default") != "default" or config.attention_bias or config.mlp_bias or config.hidden_act != "silu":
        raise ValueError("a Llama with scaled rotary positions, biases or another activation is not supported")
    if head_dim * config.num_attention_heads != config.hidden_size:
        raise ValueError(f"head_dim={head_dim} is not hidden_size / heads")
    return Shape("llama", config.vocab_size, config.max_position_embeddings, config.num_hidden_layers, config.num_attention_heads,
                 config.num_key_value_heads, config.hidden_size, config.intermediate_size, rope_theta=rope["rope_theta"],
                 tied=config.tie_word_embeddings, eps=config.rms_norm_eps)  # fmt: skip


def config_of(shape: Shape) -> Any:
    """The GPT2Config or LlamaConfig of a Shape."""
    import transformers

    if not shape.causal:
        raise ValueError("causal=false: transformers has no such model")
    if shape.style == "gpt2":
        return transformers.GPT2Config(
            vocab_size=shape.vocab, n_positions=shape.block_size, n_embd=shape.width, n_layer=shape.layers, n_head=shape.heads,
            n_inner=shape.hidden, activation_function="gelu_new", layer_norm_epsilon=shape.eps, tie_word_embeddings=shape.tied,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
    return transformers.LlamaConfig(
        vocab_size=shape.vocab, max_position_embeddings=shape.block_size, hidden_size=shape.width, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads, intermediate_size=shape.hidden, rms_norm_eps=shape.eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta}, tie_word_embeddings=shape.tied,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip


def names(shape: Shape) -> dict[str, str]:
    """Our parameter -> theirs, except Llama's queries, keys and values, which are three there and one here."""
    gpt2 = shape.style == "gpt2"
    found = dict(GPT2 if gpt2 else LLAMA)
    for i in range(shape.layers):
        for ours, theirs in (GPT2_LAYER if gpt2 else LLAMA_LAYER).items():
            for part in ("weight", "bias") if gpt2 else ("weight",):
                found[f"blocks.{i}.{ours}.{part}"] = f"{'transformer.h' if gpt2 else 'model.layers'}.{i}.{theirs}.{part}"
    return found


def to_theirs(net: Transformer) -> dict[str, Tensor]:
    """State of ours as a state dict of theirs. GPT-2's linear layers are stored transposed there."""
    state, shape = net.state_dict(), net.shape
    found = {theirs: _turned(shape, ours, state[ours]) for ours, theirs in names(shape).items()}
    if shape.style == "llama":
        dim = shape.width // shape.heads
        sizes = [shape.heads * dim, shape.kv_heads * dim, shape.kv_heads * dim]
        for i in range(shape.layers):
            parts = state[f"blocks.{i}.attention.qkv.weight"].split(sizes)
            found |= {f"model.layers.{i}.{theirs}.weight": part for theirs, part in zip(LLAMA_QKV, parts, strict=True)}
    return {name: tensor.detach().clone() for name, tensor in found.items()}


def to_ours(shape: Shape, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """State of theirs as a state dict of ours."""
    found = {ours: _turned(shape, ours, state[theirs]) for ours, theirs in names(shape).items() if theirs in state}
    if "head.weight" not in found:  # a tied head need not be stored
        found["head.weight"] = found["tokens.weight"]
    if shape.style == "llama":
        for i in range(shape.layers):
            parts = [state[f"model.layers.{i}.{theirs}.weight"] for theirs in LLAMA_QKV]
            found[f"blocks.{i}.attention.qkv.weight"] = torch.cat(parts)
    return {name: tensor.detach().clone().contiguous() for name, tensor in found.items()}


def from_transformers(model: Any) -> Transformer:
    """Our network with the weights of a GPT2LMHeadModel or LlamaForCausalLM."""
    shape = shape_of(model.config)
    net = Transformer(shape)
    net.load_state_dict(to_ours(shape, model.state_dict()))
    return net.eval()


def to_transformers(net: Transformer) -> Any:
    """A GPT2LMHeadModel or LlamaForCausalLM with our weights."""
    import transformers

    cls = transformers.GPT2LMHeadModel if net.shape.style == "gpt2" else transformers.LlamaForCausalLM
    with torch.random.fork_rng(devices=[]):  # theirs draws first weights from the global stream
        model = cls(config_of(net.shape))
    model.load_state_dict(to_theirs(net))
    return model.eval()


def save_pretrained(net: Transformer, folder: str) -> None:
    """A folder that `from_pretrained` opens. What `generate` does there unless told otherwise: draw as learned, up to the whole context."""
    from transformers import GenerationConfig

    with _quiet():
        model = to_transformers(net)
        model.generation_config = GenerationConfig(do_sample=True, top_k=0, max_length=net.block_size)
        model.save_pretrained(folder)


def from_pretrained(folder: str) -> Transformer:
    """Our network from such a folder. Nothing is downloaded, and only safetensors are read."""
    import transformers

    here = {"local_files_only": True}
    with _quiet(), torch.random.fork_rng(devices=[]):
        shape_of(transformers.AutoConfig.from_pretrained(folder, **here))  # refused before anything is made
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, **here)
    return from_transformers(model)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars and reports of transformers on standard error."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def export(engine: Any, folder: Path) -> None:
    """A run's transformer, averaged weights if there are any, as a folder for transformers: of text over its tokens, with these as
    tokenizer.json; of images over their levels in turn. ValueError for other models. See `engines.exchange`."""
    if engine.config.model not in TRANSFORMERS:
        raise ValueError(f"model={engine.config.model} has no counterpart in transformers; {', '.join(TRANSFORMERS)} have")
    save_pretrained(_transformer(engine.model), str(folder))
    if engine.text:
        save_tokenizer(engine.source, folder)


def load(folder: Path, data: np.ndarray | None = None) -> Any:
    """An engine with the weights of a folder that `export` wrote; `data` is the text where it was one's own. ValueError if its model is not
    the one that its knobs ask for."""
    net = from_pretrained(str(folder))
    engine: Any = engine_of_card(folder, data)
    if engine.config.model not in TRANSFORMERS or _transformer(engine.net).shape != net.shape:
        raise ValueError(f"{folder} holds a model of other sizes than its {CARD} says")
    return _filled(engine, net, folder)


def adopt(folder: Path, dataset: str, data: np.ndarray | None) -> Any:
    """An engine with the weights of any folder of a small GPT-2 or Llama, as a model of a text: as many tokens as the text has characters,
    or as many as byte pairs can be learned from it. ValueError says what does not fit."""
    net = from_pretrained(str(folder))
    engine = _engine(net.shape, dataset, data)
    if (built := engine.net.shape) != net.shape:
        name = next(f.name for f in fields(built) if getattr(built, f.name) != getattr(net.shape, f.name))
        theirs, ours = getattr(net.shape, name), getattr(built, name)
        raise ValueError(f"{folder} has {name}={theirs}, where ours would have {ours}")
    return _filled(engine, net, folder)


def _engine(shape: Shape, dataset: str, data: np.ndarray | None) -> Any:
    """A fresh engine of a text for a transformer of this shape."""
    if kind(dataset) != "text":
        raise ValueError(f"dataset={dataset} is not a text")
    known = len(set(load_data(dataset, data).text))
    tokens = {"tokens": "char"} if shape.vocab == known else {"tokens": "bpe", "vocab": shape.vocab}
    if shape.vocab != known and not (limits := knobs(Config)["vocab"]).lo <= shape.vocab <= limits.hi:  # type: ignore[operator]
        pairs = f"[{limits.lo:g}, {limits.hi:g}] for byte pairs"
        raise ValueError(f"vocab_size={shape.vocab} is neither {known}, the characters of {dataset}, nor in {pairs}")
    sizes = dict(layers=shape.layers, width=shape.width, heads=shape.heads, kv_heads=shape.kv_heads, block_size=shape.block_size)
    more = dict(rope_theta=shape.rope_theta, tied=shape.tied, model=shape.style, dataset=dataset)
    config = resolve({**sizes, **more, **tokens})
    return AutoregressiveEngine(config, data=data)


def _filled(engine: Any, net: Transformer, folder: Path) -> Any:
    """An engine with other weights, averaged ones included, once their tokens are known to be its own."""
    if engine.text:
        check_tokens(engine.source, folder)
    for mine in [engine.net] + ([engine.ema.net] if engine.ema else []):
        _transformer(mine).load_state_dict(net.state_dict())
    return engine


def _transformer(model: Any) -> Transformer:
    """A text model itself, or the one inside a model of pixels."""
    return model if isinstance(model, Transformer) else model.transformer


def _turned(shape: Shape, ours: str, tensor: Tensor) -> Tensor:
    linear = shape.style == "gpt2" and any(part in ours for part in (".attention.", ".mlp.")) and ours.endswith("weight")
    return tensor.t() if linear else tensor
