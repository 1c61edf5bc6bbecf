"""For every test: the readable torch engine, whose pace tests of sessions and pages count on. Tests of the compiled twin ask for it."""

import os

os.environ.setdefault("PLAYGROUND_ENGINE", "torch")
