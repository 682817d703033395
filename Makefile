# One way in for people and machines. `make test` is all a change has to pass; the rest is named below.
SHELL := /bin/bash
BOOTSTRAP = @bash tests/tools/bootstrap.sh
HOUSE = . .venv/house.env &&
PREFIX = $(CURDIR)/build/install

.DEFAULT_GOAL := help
.PHONY: help test demo bench prove lint format docs stubs images clean package cpp python consumers house

help:
	@sed -n 's/^## //p' Makefile

## make test       build, C++ tests under sanitizers, Python tests, package consumers, house checks
test:
	$(BOOTSTRAP) build test
	@bash tests/tools/steps.sh "make test" package cpp python consumers house

# The Python package as a wheel into .venv, and from the same build the C++ library into build/install.
package:
	$(BOOTSTRAP) build test
	@$(HOUSE) bash tests/tools/package.sh plot,report,cli,sql
	@$(HOUSE) cmake --install build/python --component core --prefix $(PREFIX) >/dev/null

# Library, tests and replayed fuzz corpora with address and undefined-behaviour sanitizers.
cpp:
	$(BOOTSTRAP) build test
	@$(HOUSE) cmake --preset asan --log-level=WARNING
	@$(HOUSE) cmake --build build/asan --target all all_verify_interface_header_sets
	@$(HOUSE) ctest --test-dir build/asan --output-on-failure --no-tests=error -j2

python:
	@$(HOUSE) python -m pytest -q -n 2 --dist loadfile tests/python

consumers:
	@$(HOUSE) bash tests/package/check.sh $(PREFIX)

house:
	@$(HOUSE) python -m pytest -q --tb=short -r fE tests/tools

## make demo       a sample sales team and its report in out/report.html
demo:
	$(BOOTSTRAP) build frames
	@$(HOUSE) bash tests/tools/package.sh plot,report,cli
	@$(HOUSE) salesops sample out/sample --seed 7 --deals 5000
	@$(HOUSE) salesops report out/sample --as-of 2025-11-15 --out out/report.html
	@$(HOUSE) salesops scorecard out/sample --as-of 2025-11-15
	@echo open out/report.html

## make bench      measure against other libraries, written to docs/benchmarks.md
bench:
	$(BOOTSTRAP) build bench
	@$(HOUSE) bash tests/tools/package.sh plot,report,cli,sql
	@$(HOUSE) cmake --preset bench --log-level=WARNING && cmake --build build/bench
	@$(HOUSE) python benchmarks/run.py

## make prove      the slow proofs: thread sanitizer, fuzzing, clang, clean environments; docs/proof.md
##                 (PROOFS="name name" for some; bare_debian is run only so)
prove: package
	$(BOOTSTRAP) build test prove
	@$(HOUSE) python tests/prove/run.py $(PROOFS)

## make lint       formatting, types, static analysis
lint:
	$(BOOTSTRAP) build test lint
	@$(HOUSE) bash tests/tools/lint.sh

## make format     put C++ and Python into the house format
format:
	$(BOOTSTRAP) build test lint
	@$(HOUSE) bash tests/tools/lint.sh --fix

## make stubs      write python/salesops/_core/*.pyi from the compiled module
stubs: package
	@$(HOUSE) python tests/tools/stubs.py python/salesops/_core

## make docs       the documentation site in build/site
docs:
	$(BOOTSTRAP) build test docs
	@$(HOUSE) NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet --site-dir $(CURDIR)/build/site
	@echo build/site/index.html

## make images     draw the pictures of README.md, run the notebooks and keep what they show
images: package
	$(BOOTSTRAP) build test prove
	@$(HOUSE) python docs/images/make.py
	@$(HOUSE) python tests/tools/notebooks.py

## make clean      remove what was built; .venv stays
clean:
	rm -rf build out dist
