# SPDX-License-Identifier: GPL-2.0
#
# Everything a developer does here; `make help` lists it. Every goal is carried out by this same
# makefile inside the build root, which `scripts/enter` makes when it is missing, so nothing but
# make, git and a Debian is needed. kbuild does not read this file: it takes `Kbuild`.
#
#   make                the modules, and molt-link that finishes them
#   make demo           boots a stock kernel and shows a patch being loaded, toggled and unloaded
#   make test           all tests; T=NAME only those whose name has NAME in it
#   make soak           the areas of tests in which things race, again and again; N=ROUNDS, LOAD=1
#   make test-matrix    all tests on each kernel that is prepared
#   make bench          molt beside kpatch's way, livepatch and the limits: figures in build/bench
#   make bench-quick    the same in short; fails if a ratio is wrong
#   make shell          the guest, interactive, with the modules and the probes in it
#   make new NAME=fix   starts a patch of your own, in ../fix or in DIR=FOLDER
#   make probe          build/probe: shows whether a running kernel has the bugs that patches/ fixes
#   make handler        compares the handler's instructions with a recording; RECORD=1 records them
#   make lint           formatting, clippy for the kernel side and the host side, shellcheck
#   make doc            documentation of the core, in build/doc
#   make rust-analyzer  rust-project.json for an editor
#   make setup          only the build root and the prepared kernel
#   make clean          removes what was built here; the cache stays
#
#   KERNEL=RELEASE      for any of these, another kernel than the newest with Rust in backports; its
#                       modules are built in build/RELEASE
#   KDIR=FOLDER         builds against a kernel tree that you prepared with Rust
#   ONLY=WORD           for `soak` and `test-matrix`, only items with WORD in their names
#   SLICE=2/6           for these, only every sixth item, from the second on
#   V=1                 shows the commands
#   MOLT_CACHE=FOLDER   (environment) where the build root and the kernels are kept

goals := modules new demo test soak test-matrix bench bench-quick shell probe handler lint doc \
	rust-analyzer setup clean help

.PHONY: $(goals)
.DEFAULT_GOAL := modules

ifndef MOLT_INSIDE

# --- outside the build root -----------------------------------------------------------------------

# What may be given on the command line goes along.
settings := KERNEL KDIR T V RECORD N LOAD ONLY SLICE
export MOLT_STARTED := $(shell date +%s)
export KERNEL
export KDIR := $(if $(KDIR),$(abspath $(KDIR)))

here := $(dir $(lastword $(MAKEFILE_LIST)))

# These continue where they were stopped, unless the tree has changed.
ifneq ($(filter soak test-matrix,$(MAKECMDGOALS)),)
export MOLT_COMMIT := $(shell '$(here)scripts/commit')
endif

.NOTPARALLEL:

# None of these needs a build root.
new:
	@'$(here)scripts/new' '$(NAME)' $(if $(DIR),'$(DIR)')

help:
	@sed -n 's/^#   //p' '$(here)Makefile'

clean:
	@cd '$(here)' && git ls-files -z --others --ignored --exclude-from=.gitignore --directory | xargs -0r rm -rf

$(filter-out help new clean,$(goals)):
	@cd '$(here)' && MAKEFLAGS= scripts/enter make --no-print-directory \
		$(foreach s,$(settings),$(if $($s),'$s=$($s)')) $@

else

# --- inside the build root ------------------------------------------------------------------------

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:

# Prepares the kernel when a goal first needs it, and gives its variables (scripts/lib.sh) to all
# that is started from here.
kernel = $(eval kernel := $(foreach setting,$(shell scripts/kernel --env),\
	$(eval export $(setting))))$(if $(MOLT_KDIR),,$(error there is no kernel to build for))

# In the folder given.
kbuild = $(MAKE) -C $(MOLT_KDIR) M=$(1) CC=$(MOLT_CC) -j$(shell nproc) --no-print-directory \
	$(if $(V),V=$(V))
cargo = cargo $(1) --locked $(if $(V),--verbose)

# Where `patch!` finds the BTF of modules.
export MOLT_BTF_MODULES = $(MOLT_OUT)/tests/modules:$(MOLT_MODULES)

# Two makes at once in one checkout would overwrite each other's files.
locked = exec {lock}>build/lock; flock $$lock;

setup: ; $(kernel)@:

# Where modules of several releases are to lie side by side, the objects of one must not be taken
# for another's.
sources: setup | build
	@$(if $(filter-out $(CURDIR),$(MOLT_OUT)),$(locked) scripts/sources $(MOLT_OUT))
.PHONY: sources

# modpost only warns of symbols that it does not know; molt-link is given all modules but the stale
# one, which no core has the symbols for.
modules: sources
	@$(call cargo,build) --release -p molt-link
	@$(locked) $(call kbuild,$(MOLT_OUT)) KBUILD_MODPOST_WARN=1 modules 2> >(scripts/expected >&2)
	@$(locked) cd $(MOLT_OUT); $(CURDIR)/build/cargo/release/molt-link --symvers $(MOLT_SYMVERS) \
		--symvers Module.symvers --vmlinux $(MOLT_VMLINUX) \
		$(addprefix --modules ,$(subst :, ,$(MOLT_BTF_MODULES))) \
		$$(sed '/\/stale\//d; s/\.o$$/.ko/' modules.order)

demo: modules
	@scripts/demo

# The core that compares its verdicts (src/stacks/crosscheck.rs).
check := build/check
check-core: modules
	@scripts/sources $(check)/$(MOLT_RELEASE)
	@$(locked) $(call kbuild,$(CURDIR)/$(check)/$(MOLT_RELEASE)) MOLT_TESTS= MOLT_CHECK=1 \
		KBUILD_MODPOST_WARN=1 modules 2> >(scripts/expected >&2)
	@build/cargo/release/molt-link --symvers $(MOLT_SYMVERS) --vmlinux $(MOLT_VMLINUX) \
		$(check)/$(MOLT_RELEASE)/molt.ko
.PHONY: check-core

# With the tests' own modules. First what needs no guest; the guest's summary is the last thing to
# be read.
test: export MOLT_TESTS := 1
test: modules check-core
	+@scripts/fixes '$(T)' make --no-print-directory modules
	@$(call cargo,test) --tests --workspace --exclude molt-tests -- $(T)
	@$(call cargo,test) --tests -p molt-tests -- $(T)

soak: export MOLT_TESTS := 1
soak: modules check-core
	@scripts/soak

test-matrix: | build
	+@scripts/matrix

# Everybody in one guest that counts instructions (docs/bench.md).
bench bench-quick: export MOLT_TESTS := 1
bench bench-quick: modules
	@$(call cargo,run) --quiet -p molt-tests --bin bench -- $(if $(filter bench,$@),full,quick)

shell: modules probe
	@scripts/shell

# For any machine, so without a C library.
target := x86_64-unknown-linux-gnu
probe: | build
	@RUSTFLAGS='-Ctarget-feature=+crt-static -Cstrip=symbols' \
		$(call cargo,build) --release -p molt-patches --target $(target)
	@cp build/cargo/$(target)/release/probe build/probe

handler: modules
	@scripts/handler $(if $(RECORD),record)

lint: setup | build
	@scripts/lint

doc: modules
	@scripts/doc

rust-analyzer: modules
	@$(locked) $(call kbuild,$(MOLT_OUT)) rust-analyzer
	@scripts/rust-analyzer

build:
	@mkdir -p $@

endif
