"""The tokens of a text run as tokenizer.json, which `AutoTokenizer` opens, and whether such a file cuts a text as a run does.

Imported where it is used, by `references`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.data.text import Bpe, Characters

if TYPE_CHECKING:
    from engines.autoregressive.sources import TextSource

FILE = "tokenizer.json"
COMPARED = 20_000  # characters


def tokenizer_of(source: TextSource) -> Any:
    """A `tokenizers.Tokenizer` with the numbers of a run: its byte pairs, or every character as a word. A character that the text never had
    is an error there too."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    if isinstance(source.tokenizer, Bpe):
        return source.tokenizer.model
    assert isinstance(source.tokenizer, Characters)
    found = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(source.tokenizer.pieces)}, unk_token="[none]"))
    found.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    found.decoder = decoders.Fuse()
    return found


def save_tokenizer(source: TextSource, folder: Path) -> None:
    """tokenizer.json and tokenizer_config.json."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_of(source), clean_up_tokenization_spaces=False, model_max_length=source.block_size
    )
    fast.save_pretrained(str(folder))
    place = folder / "tokenizer_config.json"
    about = json.loads(place.read_text(encoding="utf-8")) | {"tokenizer_class": "PreTrainedTokenizerFast"}  # the name that 4.x knows too
    place.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_tokens(source: TextSource, folder: Path) -> None:
    """ValueError where a folder's tokenizer.json, if there is one, numbers the text otherwise than the run's own tokens."""
    if not (folder / FILE).is_file():
        return
    from tokenizers import Tokenizer

    text = source.text.val[:COMPARED]
    try:
        theirs = Tokenizer.from_file(str(folder / FILE)).encode(text, add_special_tokens=False).ids
    except Exception as error:  # the package raises no class of its own
        raise ValueError(f"{folder / FILE} cannot read the text: {error}") from None
    if theirs != source.tokenizer.encode(text).tolist():
        raise ValueError(f"{folder / FILE} gives other tokens than those learned from {source.text.key}, which is all that ours can use")
