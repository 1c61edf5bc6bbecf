"""A text of the visitor's own: pasted or uploaded, measured before anything is trained, seen by nobody else."""

import gzip
import json
import math

import numpy as np
import pytest

from playground.sessions import frames, uploads
from playground.sessions.limits import Refused
from tests.playground.conftest import branch

VERSE = "Wer reitet so spät durch Nacht und Wind?\r\nEs ist der Vater mit seinem Kind;\r\n"
TEXT = VERSE * 30
READ = TEXT.replace("\r\n", "\n")
SMALL = {"dataset": "own-text", "layers": 1, "width": 16, "heads": 2, "block_size": 16, "batch": 4, "steps": 6}


def test_a_pasted_text_is_measured_before_training_and_then_learned(visit):
    visitor, stranger = visit("autoregressive"), visit("autoregressive")
    assert "paste or upload one first" in visitor.refused("preview", settings=SMALL)["error"]
    answer = visitor.post("text", json={"text": TEXT})
    assert answer.status_code == 200, answer.text
    about = answer.json()
    assert about == {
        "dataset": "own-text", "n": len(READ.encode()), "characters": len(READ), "vocabulary": "".join(sorted(set(READ))),
        "message": f"{len(READ):,} characters, {len(set(READ))} different",
    }  # fmt: skip
    visitor.act("preview", settings=SMALL)
    visitor.until(lambda h: ("b1", 0, False) in visitor.frames)
    answer = visitor.post("ask", json={"question": "baselines", "values": {}})
    assert answer.status_code == 200, answer.text
    measured = frames.decode(answer.content)
    (bars,) = measured.views["baselines"]
    assert measured.step == 0 and measured.metrics["different characters"] == len(set(READ))
    held_out = READ[int(0.9 * len(READ)) :]
    figures = dict(zip(bars.labels, bars.values.tolist(), strict=True))
    assert figures["gzip"] == pytest.approx(8 * math.log(2) * len(gzip.compress(held_out.encode(), 9)) / len(held_out), rel=1e-5)
    assert figures["unigram"] == pytest.approx(unigram(READ[: int(0.9 * len(READ))], held_out, len(set(READ))), rel=1e-4)
    assert figures["5-gram"] < figures["bigram"] < figures["unigram"] < math.log(len(set(READ)))
    visitor.act("train", settings=SMALL)
    done = visitor.until_state("finished", 60)
    assert branch(done)["step"] == 6
    assert "paste or upload one first" in stranger.refused("preview", settings=SMALL)["error"]


def unigram(train, held_out, vocabulary):
    """Mean −log p of counts, smoothed by an even share as heavy as there are different characters."""
    counts = {c: train.count(c) for c in set(train)}
    p = [(counts.get(c, 0) + len(counts) / vocabulary) / (len(train) + len(counts)) for c in held_out]
    return -np.log(p).mean()


@pytest.mark.parametrize("form", ["form", "body"])
def test_a_file_is_read_as_utf8_whatever_its_name(visit, form):
    raw, visitor = b"\xef\xbb\xbf" + TEXT.encode(), visit("autoregressive")
    if form == "form":
        answer = visitor.post("text", files=[("text", ("erlkönig.md", raw, "application/octet-stream"))])
    else:
        answer = visitor.post("text", content=raw, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["characters"] == len(READ) and answer.json()["vocabulary"][0] == "\n"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "text is not a text."),
        (3, "text is not a text."),
        (["x"], "text is not a text."),
        ("", "text is empty."),
        ("ab" * 200, "text has 400 characters; at least 1,000 are needed."),
        ("a" * 2_000, "text is one character 2,000 times; at least 2 different ones are needed."),
        ("ä" * 600_000, "text has 1,200,000 bytes; at most 1,000,000 fit."),
        (b"ab" * 500 + b"\xff\xfe", "text is not UTF-8: byte 1,000 is 0xFF, which cannot be there."),
        ("ab" * 700 + "\ud800", "text holds half of a character at place 1,400, which no file can hold."),
    ],
    ids=["none", "number", "list", "empty", "short", "dull", "long", "latin", "surrogate"],
)
def test_a_text_that_does_not_fit_is_refused_in_a_sentence(value, words):
    with pytest.raises(Refused) as refused:
        uploads.text(value)
    assert str(refused.value) == words and refused.value.field == "text"


def test_what_is_wrong_with_an_upload_is_said_over_http(visit):
    visitor = visit("autoregressive")
    answers = [
        visitor.post("text", content=json.dumps({"text": "short"}), headers={"Content-Type": "application/json"}),
        visitor.post("text", content=b"{", headers={"Content-Type": "application/json"}),
        visitor.post("text", content=b"--x", headers={"Content-Type": "multipart/form-data"}),
        visitor.post("text", files=[("text", ("a.txt", TEXT.encode())), ("text", ("b.txt", TEXT.encode()))]),
    ]
    assert [a.status_code for a in answers] == [400] * 4 and [a.json()["field"] for a in answers] == ["text", None, "text", "text"]
    assert answers[3].json()["error"] == "text is 2 files, not 1."
    assert visitor.post("text", content=b" " * 6_000_000).status_code == 413
    assert visitor.post("text", json={"text": TEXT}, headers={"X-Session": "x" * 22}).status_code == 404
