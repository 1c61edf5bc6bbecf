# Two commands do everything on a fresh machine: `make run` and `make test`.
PY := .venv/bin/python
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export GRADIO_ANALYTICS_ENABLED := False

.PHONY: run test lint check bench screenshots chromium clean

run: .venv/ready              ## install what the app needs and start it
	$(PY) app.py

test: .venv/dev chromium      ## every test that needs neither a GPU nor the network, browser included
	$(PY) -m pytest -n 2 --dist loadfile -m "not browser and not gpu and not network"
	$(PY) -m pytest -m "browser and not gpu and not network"

lint: .venv/dev               ## format, lint, types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy engines playground app.py

check: lint                   ## lint and the fast tests
	$(PY) -m pytest -n 2 --dist loadfile -m "not slow and not browser and not gpu and not network"

bench: .venv/dev              ## figures for benchmarks/RESULTS.md
	$(PY) -m benchmarks.gan_quality
	$(PY) -m benchmarks.gan_fixes --short
	$(PY) -m benchmarks.diffusion_quality
	$(PY) -m benchmarks.load_sessions

screenshots: .venv/dev chromium  ## the pictures of README.md, taken from the running app
	$(PY) -m benchmarks.screenshots

.venv/ready: requirements.txt
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check "torch>=2.8,<2.14"
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	-$(PY) -c "from engines.gan import fused; from engines.diffusion import fused as diffusion; fused.warm(); diffusion.warm()"  # torch serves where this fails
	touch $@

.venv/dev: .venv/ready requirements-dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

chromium:                     ## Debian's browser, for the browser tests
	command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq chromium)

clean:
	rm -rf .venv runs screenshots
