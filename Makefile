# Two commands are enough: `make demo` shows the product at work, `make test` proves it. Both set up what they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Any Python from 3.11 on; `make PYTHON=python3.12 setup` names one.
PYTHON ?= python3

ARGS ?=
NAME ?=
SECONDS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYTHONUNBUFFERED := 1

# Install system packages when nobody has to be asked (root, or sudo without a password, and apt-get); otherwise do nothing.
define install
root=no; if [ "$$(id -u)" = 0 ]; then root=; elif sudo -n true >/dev/null 2>&1; then root="sudo -n"; fi; \
if [ "$$root" != no ] && command -v apt-get >/dev/null 2>&1; then \
  echo "setup: installing $(1) (apt-get)"; log=$$(mktemp); \
  { $$root apt-get -qq update && \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1); \
  } >"$$log" 2>&1 </dev/null || tail -n 20 "$$log" >&2; \
  rm -f "$$log"; \
fi
endef

.PHONY: help setup peers demo run check format schemas test rule-tests bench proof clean

help: ## this list
	@echo "make TARGET [ARGS=...]"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## create .venv with everything (again only after pyproject.toml changed)

$(STAMP): pyproject.toml
	@python=$$(command -v $(PYTHON) || true); \
	right() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	for other in python3.13 python3.12 python3.11; do \
	  if [ -n "$$python" ] && right "$$python"; then break; fi; \
	  python=$$(command -v $$other || true); \
	done; \
	if [ -z "$$python" ] || ! right "$$python"; then \
	  echo "make: rulesd needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "make: install one and name it: make PYTHON=/path/to/python3.11 setup" >&2; exit 1; \
	fi; \
	if [ -x $(PY) ] && ! right $(PY); then rm -rf $(VENV); fi; \
	if [ ! -x $(PY) ] || ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  echo "setup: $(VENV) from $$("$$python" --version)"; \
	  rm -rf $(VENV); \
	  if ! "$$python" -m venv $(VENV) >$(VENV).log 2>&1; then \
	    rm -rf $(VENV); $(call install,python3-venv); \
	    if ! "$$python" -m venv $(VENV) >>$(VENV).log 2>&1; then \
	      cat $(VENV).log >&2; rm -rf $(VENV) $(VENV).log; \
	      echo "make: $$python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	    fi; \
	  fi; \
	  rm -f $(VENV).log; \
	fi
	@echo "setup: installing rulesd and its tools (a minute or two; log: $(VENV)/install.log)"
	@$(PY) -m pip install --progress-bar off -e '.[test]' 2>&1 | tee $(VENV)/install.log \
	  | awk '/^Collecting/ {n++; if (n % 20 == 0) {print "setup: " n " packages found ..."; fflush()}} \
	         /^Installing collected/ {print "setup: writing them ..."; fflush()} \
	         /^(ERROR|error)/ {print; fflush()}' \
	  || { tail -n 30 $(VENV)/install.log >&2; echo "make: the installation failed; the whole log is $(VENV)/install.log" >&2; exit 1; }
	@touch $@
	@echo "setup: done"

# The real peers that some tests talk to. Installed when this may be done without asking anybody anything.
peers: ## install the system packages that tests need, or say which are missing
	@if command -v npm >/dev/null 2>&1 && [ -d .venv ] && [ ! -d .venv/openfeature-js/node_modules ]; then \
	  npm install --silent --no-audit --no-fund --prefix .venv/openfeature-js \
	    @openfeature/server-sdk@1 @openfeature/ofrep-provider@0 >/dev/null 2>&1 \
	    || echo "make: OpenFeature for JavaScript could not be installed; its test is skipped" >&2; \
	fi
	@has() { command -v "$$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$$1" ]; }; \
	missing() { for pair in mosquitto:mosquitto systemd-analyze:systemd \
	    amtool:prometheus-alertmanager prometheus:prometheus; do \
	    has "$${pair%%:*}" || printf '%s ' "$${pair##*:}"; done; }; \
	want=$$(missing); \
	if [ -z "$$want" ]; then exit 0; fi; \
	$(call install,$$want); \
	want=$$(missing); \
	if [ -n "$$want" ]; then \
	  echo "make: the tests talk to real peers and these are missing: $$want" >&2; \
	  echo "make: as root on Debian or Ubuntu: apt-get install $$want" >&2; \
	  echo "make: (mosquitto: the MQTT broker; systemd: systemd-analyze, which scores the unit's sandbox;" >&2; \
	  echo "make:  prometheus-alertmanager: the real Alertmanager and amtool; prometheus: the real Prometheus)" >&2; \
	  exit 1; \
	fi

demo: $(STAMP) ## watch simulated assistants misbehave and be paged once for each (SECONDS=30 ends by itself)
	@$(PY) -m rulesd demo $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

run: $(STAMP) ## run the daemon here (ARGS="--mqtt mqtt://127.0.0.1:1883")
	@$(PY) -m rulesd run --state .state $(ARGS)

check: $(STAMP) ## the law: style, types, layers, rules and notifiers, fresh schemas
	@echo "check: ruff";         $(PY) -m ruff check -q .
	@echo "check: format";       $(PY) -m ruff format -q --check . >$(VENV)/format.log || \
	  { grep -o -- '--> .*' $(VENV)/format.log >&2 || cat $(VENV)/format.log >&2; echo "make: write them with: make format" >&2; exit 1; }
	@echo "check: mypy";         $(PY) -m mypy --no-error-summary
	@echo "check: imports";      $(VENV)/bin/lint-imports --no-logo >$(VENV)/imports.log || { cat $(VENV)/imports.log >&2; exit 1; }
	@echo "check: rules";        $(PY) -m rulesd check rules notifiers
	@echo "check: schemas";      $(PY) -m tests.law.schemas

format: $(STAMP) ## rewrite the code in the one style
	@$(PY) -m ruff check -q --fix . ; $(PY) -m ruff format -q .

schemas: $(STAMP) ## write the JSON Schemas for editors again
	@$(PY) -m tests.law.schemas --write

rule-tests: $(STAMP)
	@echo "test: the rules' own tests"; $(PY) -m rulesd test rules

test: $(STAMP) peers check rule-tests ## check, the rules' own tests, and the whole suite
	@echo "test: the suite"; RULESD_REQUIRE_PEERS=1 $(PY) -m pytest $(ARGS)

bench: $(STAMP) ## the figures of the README (NAME=one of them)
	@$(if $(NAME),$(PY) -m tests.bench.$(NAME),$(PY) -m rulesd bench) $(ARGS)

proof: $(STAMP) peers ## the long proofs: kill -9 and its kind, for hours if asked (NAME=one of them)
	@for name in $(if $(NAME),$(NAME),$(notdir $(basename $(wildcard tests/proofs/[a-z]*.py)))); do \
	  echo "proof: $$name"; $(PY) -m tests.proofs.$$name $(ARGS); done

clean: ## remove .venv and everything made here
	@rm -rf $(VENV) .state build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
