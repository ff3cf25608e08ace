# The two commands of the README: make demo, make test.  Everything else is for developers.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
SECONDS_EACH := 600
# Tests and benchmarks start thousands of our programs: none of them should compile its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check test-all test-interop fuzz bench screenshots docs pyz clean

$(STAMP): pyproject.toml
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP)  ## a complete small site on this machine, two runs and a restore
	$(VENV)/bin/taperoom demo

test: $(STAMP)  ## what CI runs; a third worker, since much of a night is waiting
	$(PY) -m pytest -n 3 --dist worksteal -m 'not slow'

check: $(STAMP)  ## style, types, architecture
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest tests/architecture

test-all: $(STAMP)  ## everything, with coverage of the pure packages
	$(PY) -m pytest -n 2 --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

test-interop: $(STAMP)  ## every test with a real peer, the slow ones, too: Amanda 3.5.1, sshd, tmux, a browser
	.ci/peers
	$(PY) -m pytest -n 2 --dist worksteal -m interop

fuzz: $(STAMP)  ## new hostile inputs for every parser: SECONDS_EACH=600, TARGETS= for some of them only
	$(PY) -m tests.fuzz --seconds $(SECONDS_EACH) $(TARGETS)

bench: $(STAMP)  ## speed and memory as ratios within one run
	$(PY) -m tests.bench $(BENCH)

screenshots: $(STAMP)  ## the README's pictures, from a real run of the demo
	$(PY) docs/screenshots.py

pyz: $(STAMP)  ## the client as one file that needs Python alone: dist/taperoom-clientd.pyz
	$(PY) -P -m core.wire.transports.agent dist/taperoom-clientd.pyz

docs: $(STAMP)  ## pages that are printed from the code
	$(PY) -m core.protocol.describe docs/protocol
	$(PY) -m core.manual docs/man

clean:
	rm -rf $(VENV) demo-site
