"""The command line, through a real process: JSON lines out, one sentence and exit 2 for a mistake."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.__main__ import main

ROOT = Path(__file__).parents[2]


def command(*args, cwd=ROOT):
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-m", "engines", *map(str, args)], cwd=cwd, env=env, capture_output=True, text=True, timeout=120)


def lines(text):
    return [json.loads(line, parse_constant=lambda c: pytest.fail(f"{c} is not JSON")) for line in text.splitlines()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short run, through the process."""
    folder = tmp_path_factory.mktemp("runs") / "a"
    done = command(
        "train", "gan", "--dataset", "ring8", "--steps", 60, "--seed", 3, "--set", "lr_g=1e-3", "--set", "batch=16", "--out", folder
    )
    assert done.returncode == 0, done.stderr
    return folder, lines(done.stdout)


def test_train(trained):
    folder, rows = trained
    *history, last = rows
    assert [r["step"] for r in history] == list(range(1, 61)) and last["steps"] == 60
    assert {"d_loss", "g_loss", "modes_covered", "hq_fraction", "sliced_w1", "seconds"} <= history[-1].keys()
    run = json.loads((folder / "run.json").read_text())
    assert (run["family"], run["seed"], run["step"]) == ("gan", 3, 60)
    assert (run["config"]["lr_g"], run["config"]["batch"], run["config"]["steps"]) == (1e-3, 16, 60)
    assert run["history"] == history and run["versions"]["torch"]
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoint.safetensors", "run.json"]


def test_sample_and_evaluate(trained, tmp_path):
    folder, rows = trained
    out = tmp_path / "s.npz"
    done = command("sample", folder, "--n", 250, "--seed", 5, "--set", "ema=false", "--out", out)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[0]["shape"] == [250, 2]
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["x"].shape == (250, 2) and arrays["x"].dtype == np.float32
    done = command("evaluate", folder)
    (row,) = lines(done.stdout)
    assert row["step"] == 60 and row["sliced_w1"] == rows[-2]["sliced_w1"]  # the run as it was saved
    assert row["floors"]["modes_covered"] == 8


def test_list_needs_no_torch():
    code = "import sys; from engines.__main__ import main; assert main(['list']) == 0; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    row, *others = lines(done.stdout)
    vae = others[0]
    assert vae["family"] == "vae" and vae["knobs"]["latent"]["hi"] == 64 and "mnist" in vae["presets"]
    assert "diffusion" in {other["family"] for other in others}
    assert row["family"] == "gan" and "ring8" in row["datasets"] and row["knobs"]["lr_g"]["lo"] == 1e-5 and "moby" not in row["datasets"]
    texts = next(other for other in others if other["family"] == "autoregressive")
    assert "moby" in texts["datasets"] and "ring8" not in texts["datasets"]


def test_a_text_model_writes_texts(tmp_path, capsys):
    small = ["--set", "width=16", "--set", "layers=1", "--set", "batch=2", "--set", "block_size=8", "--steps", "3"]
    assert main(["train", "autoregressive", "--dataset", "moby", *small, "--out", str(tmp_path / "t")]) == 0
    out = str(tmp_path / "s.npz")
    assert main(["sample", str(tmp_path / "t"), "--n", "3", "--set", "length=20", "--set", "prompt=Call me", "--out", out]) == 0
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["text"].shape == (3,) and all(t.startswith("Call me") and len(t) == 27 for t in arrays["text"].tolist())


def test_a_vae_is_trained_sampled_and_evaluated_like_any_family(tmp_path, capsys):
    folder, out = str(tmp_path / "v"), str(tmp_path / "x.npz")
    assert main(["train", "vae", "--dataset", "digits", "--steps", "40", "--set", "width=32", "--out", folder]) == 0
    assert main(["sample", folder, "--n", "30", "--set", "prior=mixture", "--out", out]) == 0
    with np.load(out, allow_pickle=False) as arrays:
        assert arrays["x"].shape == (30, 1, 8, 8) and np.abs(arrays["x"]).max() <= 1
    assert main(["evaluate", folder]) == 0
    row = lines(capsys.readouterr().out)[-1]
    assert row["step"] == 40 and row["test_neg_elbo"] > row["test_iwae"] > 0 and row["floors"]["frechet_distance"] > 0


def test_a_budget_in_seconds(tmp_path, capsys):
    """Half a second of training, however long looking takes; the rates have fallen at its end."""
    assert main(["train", "gan", "--dataset", "ring8", "--seconds", "0.5", "--set", "steps=2000", "--out", str(tmp_path / "b")]) == 0
    *history, last = lines(capsys.readouterr().out)
    assert 0.5 <= last["seconds"] < 0.7 and last["steps"] == history[-1]["step"]


def test_a_run_that_diverges_keeps_its_last_healthy_state(tmp_path, capsys):
    hopeless = ["--set", "lr_g=1", "--set", "lr_d=1", "--set", "objective=non-saturating", "--set", "lr_decay=false"]
    assert main(["train", "gan", "--dataset", "ring8", "--steps", "5000", *hopeless, "--out", str(tmp_path / "c")]) == 1
    streams = capsys.readouterr()
    assert streams.err.startswith("Training diverged: ") and streams.err.count("\n") == 1
    assert main(["evaluate", str(tmp_path / "c")]) == 0


def test_a_prior_over_codes_from_a_file(tmp_path, capsys):
    """Of checkerboards of codes 3 and 5: 1 bit for which of the two, nothing after that. What is drawn are codes again."""
    board = np.where(np.indices((4, 4)).sum(0) % 2, 3, 5)
    codes = np.stack([board, 8 - board] * 40)[np.random.default_rng(0).permutation(80)]
    np.savez(tmp_path / "codes.npz", codes=codes)
    settings = ["--set", "width=16", "--set", "layers=3", "--set", "batch=16", "--set", "lr=0.01", "--set", "warmup=5", "--steps", "80"]
    run = str(tmp_path / "v")
    assert main(["train", "autoregressive", "--dataset", "own-codes", "--data", str(tmp_path / "codes.npz"), *settings, "--out", run]) == 0
    *_, last, _ = lines(capsys.readouterr().out)
    assert last["test_nll"] < 2.5 < 16 * np.log(2)
    assert main(["sample", run, "--n", "6", "--out", str(tmp_path / "s.npz")]) == 0
    with np.load(tmp_path / "s.npz", allow_pickle=False) as arrays:
        assert arrays["codes"].shape == (6, 4, 4) and np.isin(arrays["codes"], [3, 5]).mean() > 0.9
    capsys.readouterr()
    assert main(["train", "autoregressive", "--dataset", "own-codes", "--out", run]) == 2
    assert "dataset=own-codes needs --data FILE" in capsys.readouterr().err


TRAIN = ["train", "gan", "--dataset", "ring8", "--out", "x"]
MISTAKES = [
    ([], "required"),
    (["fly"], "fly"),
    (["train", "cats", "--dataset", "ring8", "--out", "x"], "cats is not a family; the families are gan"),
    (["train", "gan", "--out", "x"], "--dataset"),
    (["train", "gan", "--dataset", "ring8"], "--out"),
    (["train", "gan", "--dataset", "cats", "--out", "x"], "dataset=cats is not one of ring8"),
    (["train", "gan", "--dataset", "own-2d", "--out", "x"], "dataset=own-2d needs --data FILE"),
    ([*TRAIN, "--steps", "0"], "steps=0 is outside [1, 200000]"),
    ([*TRAIN, "--steps", "ten"], "steps=ten is not a number"),
    ([*TRAIN, "--seconds", "nan"], "seconds=nan is outside"),
    ([*TRAIN, "--seconds", "-1"], "seconds=-1 is outside"),
    ([*TRAIN, "--steps", "10", "--seconds", "1"], "not allowed with"),
    ([*TRAIN, "--seed", "1.5"], "seed=1.5 is not a whole number in [0, 9999]"),
    ([*TRAIN, "--set", "lr_g=nan"], "lr_g=nan is outside [1e-05, 1]"),
    ([*TRAIN, "--set", "speed=1"], "speed=1 is not knob=value"),
    ([*TRAIN, "--set", "lr_g"], "lr_g is not knob=value"),
    ([*TRAIN, "--set", "objective=r1", "--set", "r1=0"], "r1=0 is outside (0, 100]"),
    ([*TRAIN, "--device", "tpu"], "device=tpu is not available here"),
    (["sample", "nowhere"], "nowhere is not a run folder"),
    (["evaluate", "nowhere"], "nowhere is not a run folder"),
    (["evaluate"], "RUN"),
]


@pytest.mark.parametrize(("args", "words"), MISTAKES, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_mistakes(args, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    streams = capsys.readouterr()
    assert words in streams.err and streams.err.count("\n") == 1 and not streams.out
    assert "Traceback" not in streams.err


def test_a_mistake_seen_from_outside(tmp_path):
    done = command("sample", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args", [["--n", "0"], ["--n", "10001"], ["--set", "colour=red"], ["--seed", "-1"], ["--out", "no/such/folder.npz"]], ids=" ".join
)
def test_bad_requests(trained, args, capsys):
    assert main(["sample", str(trained[0]), *args]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "checkpoint.safetensors").unlink(), "holds no checkpoint"),
        (lambda f: (f / "checkpoint.safetensors").write_bytes(b"x" * 50), "not a checkpoint"),
        (lambda f: (f / "run.json").write_text("{"), "not the description of a run"),
        (lambda f: (f / "run.json").write_text("[]"), "not the description of a run"),
        (lambda f: (f / "run.json").write_bytes(b"\xff\xfe"), "not the description of a run"),
        (lambda f: (f / "run.json").write_text('{"family": "gan", "config": {"lr_g": NaN}}'), "lr_g=nan is outside"),
        (lambda f: (f / "run.json").write_text('{"family": [], "config": {}}'), "not the description of a run"),
    ],
)
def test_a_damaged_run_folder(trained, tmp_path, damage, words, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    for file in trained[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    damage(folder)
    assert main(["evaluate", str(folder)]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_out_that_is_a_file(tmp_path, capsys):
    (tmp_path / "f").write_text("")
    assert main(["train", "gan", "--dataset", "ring8", "--out", str(tmp_path / "f")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_nothing_is_written_over_unless_asked(tmp_path, capsys):
    run = str(tmp_path / "run")
    assert main(["train", "gan", "--dataset", "ring8", "--steps", "2", "--out", run]) == 0
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    capsys.readouterr()
    assert main(["train", "gan", "--dataset", "moons", "--steps", "2", "--out", run]) == 2
    assert "holds run.json already" in capsys.readouterr().err
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before
    assert main(["train", "gan", "--dataset", "moons", "--steps", "2", "--out", run, "--overwrite"]) == 0
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() != before


def test_a_run_that_is_ended_from_outside_keeps_its_last_row(tmp_path):
    """SIGTERM after two rows: what was printed can be opened, and there is a sentence in place of a traceback."""
    words = [sys.executable, "-m", "engines", "train", "vae", "--dataset", "moons", "--steps", "20000", "--out", str(tmp_path / "run")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as train:
        row = [json.loads(train.stdout.readline()) for _ in range(2)][-1]
        train.send_signal(signal.SIGTERM)
        _, said = train.communicate(timeout=120)
    assert train.returncode == 128 + signal.SIGTERM and said.startswith("Stopped;") and "Traceback" not in said
    assert json.loads((tmp_path / "run" / "run.json").read_text())["step"] >= row["step"]


def test_a_file_holds_what_its_name_says(tmp_path, capsys):
    run = str(tmp_path / "run")
    main(["train", "autoregressive", "--dataset", "moby", "--steps", "1", "--set", "model=ngram", "--out", run])
    assert main(["sample", run, "--n", "1", "--out", str(tmp_path / "s.txt")]) == 0
    assert len((tmp_path / "s.txt").read_text(encoding="utf-8")) > 20
    assert main(["sample", run, "--n", "1", "--out", str(tmp_path / "s.csv")]) == 2
    assert "ends in .csv" in capsys.readouterr().err
