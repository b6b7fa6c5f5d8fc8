# Cartscape. `make` alone explains itself.

PORT ?= 8501
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

BIN := .venv/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
FAILED = echo "Installing failed; read pip's words above, mend that and run make again (make clean starts over)" >&2; exit 1
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help setup run dev chromium lint types loops format test bench lock clean

help: ## Show these lines
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .venv/installed ## Create .venv and install what the app needs
	@:

run: setup ## Serve the app at http://127.0.0.1:8501 (PORT=… for another port)
	@$(BIN)/python -c 'import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", $(PORT)))' 2>/dev/null || { \
		echo "Port $(PORT) is in use or not allowed; stop the other program, or choose a port: make run PORT=8502" >&2; exit 1; }
	@echo "Cartscape is at http://127.0.0.1:$(PORT) (Ctrl-C stops it)"
	@exec $(BIN)/python -m streamlit run app.py --server.port $(PORT)

dev: .venv/installed-dev ## Install what tests and linters need too
	@:

test: dev chromium ## Lint, check types and run every test, in the browser too
	@$(MAKE) --no-print-directory -j 2 lint types loops
	@# Two workers have a core each: threads of libraries within them would wait for each other.
	@CARTSCAPE_CHROMIUM="$(CHROMIUM)" OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: dev ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: dev ## Check types
	@$(BIN)/mypy

loops: dev ## Compile the loops behind funnels and paths, which else happens as they are first asked
	@$(BIN)/python -m tests.loops

format: dev ## Put the code into its format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: dev chromium ## Measure on a generated log beside DuckDB and chdb (EVENTS=50_000_000; half an hour)
	@CARTSCAPE_CHROMIUM="$(CHROMIUM)" $(BIN)/python -m tests.bench

lock: dev ## Compile requirements*.in into requirements*.txt
	$(COMPILE) --output-file requirements.txt requirements.in
	@# A wheel built for the processor alone is pinned as the version that every index has.
	@sed -i.local -E 's/^([a-z-]+==[^+ ]+)\+[^ ]+/\1/' requirements.txt && rm requirements.txt.local
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

clean: ## Remove .venv and what the tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/created:
	@test -n "$(PYTHON)" || { \
		echo "Cartscape needs Python 3.11; name it where it is not found: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Creating .venv with $(PYTHON)"
	@# Debian's Python comes without ensurepip; its pip then puts a pip into the environment.
	@"$(PYTHON)" -m venv .venv >/dev/null 2>&1 || { \
		"$(PYTHON)" -m venv --clear --without-pip .venv && "$(PYTHON)" -m pip --python $(BIN)/python install --quiet pip; }
	@touch $@

.venv/installed: requirements.txt | .venv/created
	@echo "Installing requirements.txt (about a minute the first time)"
	@$(INSTALL) -r requirements.txt || { $(FAILED); }
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing requirements-dev.txt"
	@$(INSTALL) -r requirements-dev.txt || { $(FAILED); }
	@touch $@

chromium:
	@test -n "$(CHROMIUM)" || { command -v apt-get >/dev/null && { test -z "$(SUDO)" || command -v sudo >/dev/null; } && \
		echo "Installing Debian's Chromium for the browser tests" && \
		$(SUDO) apt-get update -qq && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; } || { \
		echo "The browser tests need Chromium, which could not be installed here; install it, or name it: make test CHROMIUM=/path/to/chromium" >&2; exit 1; }
