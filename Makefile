# make run    builds Basalt and runs its daemon, on a repo that is made if there is none
# make test   runs every check and test; the last line says how many passed and failed
# Both install what the machine lacks first, and say so. Build output is kept outside of the checkout,
# in $BASALT_CACHE (~/.cache/basalt).

.PHONY: run build test setup clean

run: build
	@.ci/start

build: setup
	@.ci/build

setup:
	@.ci/setup

test: setup
	@.ci/test

clean:
	@. .ci/env && rm -rf "$$CARGO_TARGET_DIR" "$$BASALT_CACHE/fuzz" bin
