"""The rules of direction: who may import what. Read from the syntax trees, so that lazy imports count too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [*sorted((ROOT / "engines").rglob("*.py")), *sorted((ROOT / "playground").rglob("*.py")), ROOT / "app.py"]
FAMILIES = sorted(p.parent.name for p in (ROOT / "engines").glob("*/engine.py"))
TORCH = {"torch", "safetensors", "torchvision", "diffusers", "transformers"}
HEAVY = {"diffusers", "transformers", "plotly", "sklearn", "scipy", "ray", "spaces", "matplotlib", "numba"}
# what runs in a worker, and may build engines
WORKER_SIDE = {f"playground/sessions/{name}.py" for name in ("host", "branch", "closer", "trials", "worker")}
NAMES_ONLY = {  # engine modules without torch: the web process may read these
    "engines",
    "engines.core",
    "engines.config",
    "engines.registry",
    "engines.metrics",
    "engines.data",
    "engines.data.tables",
    "engines.data.text",
    "engines.data.uploads",
    "engines.runs",
    "engines.data.toy2d",
    *(f"engines.{family}.config" for family in FAMILIES),
}


def imports(path, *, top_only=False):
    """Dotted names of all modules that a file imports; `from a import b` gives a and a.b."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(path, **which):
    return {name.split(".")[0] for name in imports(path, **which)}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", [f for f in FILES if name_of(f).startswith("engines/")], ids=name_of)
def test_engines_know_nothing_of_the_product(path):
    assert not roots(path) & {"gradio", "gradio_client", "spaces", "ray", "playground", "app"}


@pytest.mark.parametrize("path", [f for f in FILES if name_of(f).startswith("playground/") and name_of(f) not in WORKER_SIDE], ids=name_of)
def test_the_product_holds_no_model(path):
    assert not roots(path) & TORCH
    for name in imports(path):
        if name.startswith("engines"):
            parts = name.split(".")
            module = name if (ROOT / Path(*parts)).with_suffix(".py").exists() or (ROOT / Path(*parts)).is_dir() else ".".join(parts[:-1])
            assert module in NAMES_ONLY, f"{name} is for workers"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_heavy_packages_are_imported_where_they_are_used(path):
    # the kernels are numba, and only an engine that runs them imports them, when it is built
    kernels = name_of(path).startswith("engines/nn/kernels/")
    assert not roots(path, top_only=True) & (HEAVY - {"numba"} if kernels else HEAVY)
    if not kernels and not path.name.startswith("kernel"):
        assert not any(name.startswith(("engines.nn.kernels", "engines.gan.kernel")) for name in imports(path, top_only=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_families_do_not_import_each_other(family):
    others = {f"engines.{other}" for other in FAMILIES if other != family}
    for path in (ROOT / "engines" / family).rglob("*.py"):
        assert not any(name.startswith(tuple(others)) for name in imports(path) if others), path


def test_shared_engine_code_does_not_know_the_families():
    for path in [*(ROOT / "engines" / "nn").glob("*.py"), *(ROOT / "engines" / "data").glob("*.py"), *(ROOT / "engines").glob("*.py")]:
        if path.name not in ("registry.py",):
            assert not any(name.startswith(f"engines.{family}") for name in imports(path) for family in FAMILIES), path


@pytest.mark.parametrize("module", sorted(NAMES_ONLY))
def test_modules_for_the_web_process_leave_torch_out(module):
    code = f"import sys, {module}; sys.exit(sorted({TORCH!r} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_no_pickle_anywhere():
    for path in FILES:
        assert not roots(path) & {"pickle", "dill", "cloudpickle", "joblib", "shelve"}, path
