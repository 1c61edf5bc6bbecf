"""The table of priors, on a run of a moment."""

import json

import pytest

from benchmarks import vae_priors


@pytest.mark.slow
def test_every_prior_has_a_line(monkeypatch, capsys):
    monkeypatch.setattr("engines.vae.flow_prior.STEPS", 5)
    monkeypatch.setattr("sys.argv", ["vae_priors", "--seconds", "0.1", "--latent", "3", "--seeds", "4"])
    vae_priors.main()
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["prior"] for row in found] == ["normal", "mixture", "flow"]
    assert all((row["latent"], row["seed"], row["seconds"]) == (3, 4, 0.1) and row["steps"] > 0 for row in found)
    assert all(row["frechet_multiple"] > 1 and row["answer_seconds"] > 0 for row in found)
