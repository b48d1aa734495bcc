# `make book` and `make test` are all a newcomer needs: Python 3.11 or later, make, a package index.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first of these that runs and is new enough; else python3, whose complaint is then shown.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin

# Dozens of processes import the library: its bytecode is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help book test quick site pdf archive bench browser references picture lock lint clean

help:
	@echo "make book        build the book (makes .venv first, if there is none)"
	@echo "make test        run the tests (builds the book first, if it is stale)"
	@echo "make quick       run the tests that catch most breaks, in a minute: no book, no browser"
	@echo "make site        one folder and a zip that any static host serves; with the PDF, if there is one"
	@echo "make pdf         the whole book as one file to print; needs Chromium (make browser), takes minutes"
	@echo "make archive     source, recorded results and book in one file with checksums, of the last commit"
	@echo "make bench       measure what the engines gain; RECORD=1 stores the table that the book shows"
	@echo "make browser     install Chromium for the tests of the rendered pages (Debian, Ubuntu)"
	@echo "make references  write the notebooks that the tests compare with again"
	@echo "make picture     draw the README's picture again"
	@echo "make lock        write requirements.txt again from the newest compatible versions"
	@echo "make lint        check the style of the code"
	@echo "make clean       remove what was built; .venv and downloads stay"

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; print(f"catapult: Python {sys.version.split()[0]} at {sys.executable}"); sys.exit(v < (3, 11) and "catapult: Python 3.11 or later is needed; name one with: make book PYTHON=/path/to/python3")'
	@echo "catapult: making the environment .venv (some minutes, about 2 GB; more where torch brings CUDA)"
	@$(PYTHON) -m venv .venv || { echo "catapult: python3 has no working venv module; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -r requirements.txt
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -e .
	@touch $@

book: .venv/installed
	@$(BIN)/python -m catapult.companion.book build

# A file's tests stay in one process: they share what is slow to make.
test: book
	@$(BIN)/python -m pytest -n auto --dist loadfile

# All that is not slow; no book is built for it.
quick: .venv/installed
	@$(BIN)/python -m pytest -q -n auto --dist loadfile -m "not slow and not book and not browser" --ignore=tests/reference

site: .venv/installed
	@$(BIN)/python -m catapult.companion.book site

pdf: .venv/installed
	@$(BIN)/python -m catapult.companion.printing

archive: .venv/installed
	@$(BIN)/python -m catapult.companion.archive

# One thread, whatever the BLAS: it has to be said before the libraries load.
bench: .venv/installed
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m catapult.chapters.speed.bench $(if $(RECORD),--record)

browser:
	@command -v chromium || command -v chromium-browser || command -v google-chrome || \
	  { apt-get update -qq && apt-get install -y -qq chromium; }

references: .venv/installed
	@$(BIN)/python tests/references.py

# The README's picture.
picture: .venv/installed
	@$(BIN)/python -c "from catapult import paths; from catapult.runs import results; \
	  from catapult.chapters.landing_page import experiment as e; \
	  from catapult.chapters.landing_page.figures import phenomenon; \
	  phenomenon(results.compute(e, e.Parameters())).savefig(paths.BOOK / '_static' / 'phenomenon.png', dpi=110)"

# No local versions, no paths, nothing that only one kind of machine has: pip adds those where they are needed.
lock:
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet torch==2.13.0 torchvision==0.28.0 '.[test]'
	@{ echo "# Written by \`make lock\` with Python 3.11: every dependency, exact. Edit pyproject.toml instead."; \
	  .venv-lock/bin/python -m pip freeze | sed -E 's/\+[a-z0-9.]+$$//' | \
	  grep -viE '^(nvidia-|cuda-|triton|catapult-companion|-e |#)'; } > requirements.txt
	@rm -rf .venv-lock build lib/*.egg-info

lint: .venv/installed
	@$(BIN)/ruff check lib tests

clean:
	@rm -rf _build out .pytest_cache .ruff_cache .cache/results
