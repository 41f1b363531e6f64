# Everything needs only Python 3.11+ and the package index; .venv is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench fuzz docs peers peers-npm peers-go clean

demo: $(STAMP)  ## assess the bundled example, offline; leaves demo-report/
	$(BIN)/slsa-assess demo --output demo-report

test: $(STAMP)  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal -q

lint: $(STAMP)  ## ruff, mypy --strict, layers, generated texts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_docs.py --check

bench: $(STAMP)  ## print speeds beside a peer's, measured in the same run
	$(BIN)/python -m compileall -q assess $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
	$(BIN)/python scripts/bench.py

fuzz: $(STAMP)  ## fuzz the readers and the verifier, SECONDS per target (guided by coverage if atheris is installed)
	$(BIN)/python scripts/fuzz.py --seconds $(or $(SECONDS),60)

docs: $(STAMP)  ## write the generated parts of README.md and docs/
	$(BIN)/python scripts/generate_docs.py

peers: peers-npm peers-go  ## install the other tools that tests compare with, below .peers/ (needs node 20.17 or later, go)

peers-npm:
	npm install --prefix .peers/npm --no-audit --no-fund --ignore-scripts sigstore@4.1.1

# Built once for each version (minutes of compiling); the marker names what was built. slsa-verifier is left out: its
# releases are not in reach through the module proxy.
CRANE := github.com/google/go-containerregistry/cmd/crane@v0.22.1
COSIGN := github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
peers-go:
	@if command -v go >/dev/null; then \
	  for tool in $(CRANE) $(COSIGN) $(ACTIONLINT); do \
	    name=$$(basename "$${tool%@*}"); marker=.peers/bin/.$$(basename "$$tool"); \
	    if [ -e "$$marker" ] && [ -x ".peers/bin/$$name" ]; then echo "already built: $$tool"; continue; fi; \
	    echo "building $$tool"; mkdir -p .peers/bin; rm -f ".peers/bin/.$$name@"*; \
	    if GOBIN="$$PWD/.peers/bin" go install "$$tool"; then touch "$$marker"; \
	    else echo "could not build $$tool: the tests that need it are skipped"; fi; \
	  done; \
	else echo 'no go here: crane, cosign and actionlint are not built, and the tests that need them are skipped'; fi

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "slsa-assess needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-report fuzz-findings build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find assess tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
