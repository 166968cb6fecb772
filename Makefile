# SPDX-License-Identifier: GPL-2.0
# What every port of this machine is doing: a kernel module and its command line.

KDIR    ?= /lib/modules/$(shell uname -r)/build
KREL    := $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null),$(shell uname -r))
PREFIX  ?= /usr/local
DESTDIR ?=
# Kernels that check and lint go over, and the one that demo and vm-shell boot.
KERNELS ?= 6.1 6.12
KERNEL  ?= 6.12
# make check T='hook*': only the tests whose name matches.
T       ?=

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
MAKEFLAGS += --no-print-directory
FETCH := tests/vm/fetch
fetched = $$($(FETCH) $1)
# The same of a kernel that is built here, which takes minutes once; KBUILDS is what that needs.
built = $$(tests/vm/kernel-build $1)
KBUILDS := flex bison bc libelf-dev cpio

# The one list of what Debian has to provide; where a release has another name for it, that package provides this one.
PACKAGES := gcc gcc-12 make libc6-dev pkg-config libelf1 \
	libncurses-dev libnl-3-dev libnl-genl-3-dev \
	qemu-system-x86 cpio kmod rsync xz-utils python3 python3-yaml python3-jsonschema \
	perl sparse

# What portmon-exporter needs beside these; where it is missing, all builds the rest.
EXPORTER_PACKAGES := libmicrohttpd-dev libgnutls28-dev libyaml-dev libcrypt-dev
HAVE_EXPORTER := $(shell pkg-config --exists libmicrohttpd gnutls yaml-0.1 2> /dev/null && echo yes)

all: module tool $(if $(HAVE_EXPORTER),exporter) ## [build] the module for the running kernel (or KDIR=), portmon-ctl, and portmon-exporter where its libraries are

help: ## [build] list the targets
	@awk -F ':[^#]*## ' 'BEGIN { n = split("build test measure source package", order, " ") } \
		/^[a-z-]+:[^#]*## \[/ { tag = $$2; sub(/\].*/, "", tag); tag = substr(tag, 2); sub(/^[^]]*\] /, "", $$2); \
			group[tag] = group[tag] sprintf("  %-15s %s\n", $$1, $$2) } \
		END { for (i = 1; i <= n; i++) if (group[order[i]]) printf "%s%s:\n%s", (i > 1 ? "\n" : ""), order[i], group[order[i]] }' Makefile

deps: ## [build] install missing Debian packages
	@command -v dpkg-query > /dev/null || exit 0; \
	missing=$$(comm -23 <(printf '%s\n' $(PACKAGES) | sort -u) \
		<(dpkg-query -W -f '$${db:Status-Status} $${Package}, $${Provides}\n' 2>/dev/null | \
			sed -n 's/^installed //p' | tr -s ', ' '\n' | sort -u)); \
	[ -n "$$missing" ] || exit 0; \
	echo "installing:" $$missing; \
	[ $$(id -u) = 0 ] && as= || as=sudo; \
	get() { $$as env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install $$missing > /dev/null; }; \
	get 2> /dev/null || { $$as apt-get -qq update && get; }

# Sources are linked into build/NAME and built there, so that one tree serves any number of kernels.
# $(call kbuild,NAME,KDIR,MAKE ARGUMENTS)
define kbuild
	@mkdir -p build/$1/kmod
	@find build/$1/kmod -xtype l -delete
	@ln -sfn $(CURDIR)/include build/$1/include
	@ln -sf $(addprefix $(CURDIR)/,$(wildcard kmod/*.[ch] kmod/Kbuild)) build/$1/kmod
	@$(MAKE) -s -C $2 M=$(CURDIR)/build/$1/kmod $3
endef

module: ## [build] the module only
ifneq ($(wildcard $(KDIR)/Makefile),)
	$(call kbuild,$(KREL),$(KDIR),modules)
	@echo "module: build/$(KREL)/kmod/portmon.ko"
else
	@echo "module: not built, there are no headers for $(KREL) in $(KDIR)" \
		"(apt-get install linux-headers-$(KREL), or KDIR=; the VM needs none)"
endif

# How to build for kernels that are not of this machine's kind.
arch = $(if $(filter %-arm64,$1),ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)$(if $(filter %-686,$1),ARCH=i386)

# Debian configures for gcc: what clang has not, or has in another way. It has all the mitigations; ftrace would miss the calls that gcc makes.
CLANG := clang-16
BY_CLANG := CC=$(CLANG) CONFIG_CC_IS_GCC= CONFIG_GCC_VERSION=0 CONFIG_CC_IS_CLANG=y CONFIG_CLANG_VERSION=160000 \
	CONFIG_CC_IMPLICIT_FALLTHROUGH=-Wimplicit-fallthrough CONFIG_FUNCTION_TRACER= \
	KCFLAGS='-Werror -include $(CURDIR)/tests/vm/clang.h'

# $(call debian,NAME,KERNEL,MAKE ARGUMENTS); a kernel's name with -clang is the same kernel.
debian = $(call kbuild,$1,$(call fetched,kernel $(2:-clang=))/build,$(call arch,$2) $(if $(filter %-clang,$2),$(BY_CLANG)) \
	CONFIG_DEBUG_INFO_BTF_MODULES= $3 modules)

module-%: FORCE
	$(call debian,$*,$*)

# With kmod/test_hook.c, in a folder of its own: for the tests that need it, never installed.
hooked-%: FORCE
	$(call debian,$*-hooked,$*,PORTMON_TEST=y)

tool: ## [build] portmon-ctl only
	@$(MAKE) -s -C tool

exporter: ## [build] portmon-exporter only (libmicrohttpd-dev libgnutls28-dev libyaml-dev libcrypt-dev)
	@$(MAKE) -s -C tool exporter

install: all ## [build] module, portmon-ctl, manual pages, completion, units (PREFIX=, DESTDIR=, KDIR=)
ifneq ($(wildcard $(KDIR)/Makefile),)
	$(call kbuild,$(KREL),$(KDIR),$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) CONFIG_MODULE_SIG_ALL= DEPMOD=true modules_install)
	$(if $(DESTDIR),,depmod $(KREL))
endif
	@$(MAKE) -s -C tool install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

uninstall: ## [build] remove what install installed
	@$(MAKE) -s -C tool uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)
	rm -f $(DESTDIR)/lib/modules/$(KREL)/{extra,updates}/portmon.ko*
	$(if $(DESTDIR),,depmod $(KREL))

VERSION := $(shell .packaging/fill .packaging/version.in)
DIST    := build/dist/portmon-$(VERSION).tar.gz

# Of the last commit, with its time: the same bytes each time.
.PHONY: dist deb rpm release check-packages deps-packages check-boot
dist: ## [package] a tarball of the last commit, in build/dist
	@git diff --quiet HEAD || echo "dist: uncommitted changes are not in it" >&2
	@mkdir -p build/dist
	@git -c tar.umask=0022 archive --prefix=portmon-$(VERSION)/ HEAD | gzip -9n > $(DIST).new && mv $(DIST).new $(DIST)
	@echo "dist: $(DIST)"

deb: PACKAGES += dpkg-dev debhelper dh-dkms $(EXPORTER_PACKAGES)
deb: deps dist ## [package] Debian packages of the last commit, in build/deb
	@.packaging/build-deb $(DIST) build/deb

rpm: PACKAGES += rpm $(EXPORTER_PACKAGES)
rpm: deps dist ## [package] RPM packages of the last commit, in build/rpm
	@.packaging/build-rpm $(DIST) build/rpm

release: ## [package] check, dist and deb; with DRY_RUN=no also the tag
	@.packaging/release

# newest: of Debian's archive, today.
MATRIX ?= 6.1 6.12 6.12-trixie 7.2 newest 6.1-clang 6.12-clang 6.12-rt 6.12-arm64 newest-arm64 6.1-686

# In VMs loading shared libraries would take as long as most answers.
demo check check-smp soak vm-shell bench bench-guard $(MATRIX:%=matrix-%): export LINK ?= static

PACKAGES_TESTS := dpkg-dev debhelper dh-dkms lintian mandoc rpm systemd e2fsprogs mmdebstrap binutils $(EXPORTER_PACKAGES)
check-packages deps-packages: PACKAGES += $(PACKAGES_TESTS)
deps-packages: deps
check-packages: deps ## [test] packages: build, install, upgrade, boot, remove them in a Debian 12 (PARTS='static chroot boots trixie')
	@tests/packages/run packages

check-boot: PACKAGES += $(PACKAGES_TESTS) openssl sbsigntool
check-boot: deps ## [test] boot the packages under UEFI with Secure Boot
	@tests/packages/run boot

demo: deps tool module-$(KERNEL) ## [test] boot a VM with real servers and clients, and show portmon-ctl's output
	@tests/vm/run demo $(KERNEL)

check: deps tool collection $(KERNELS:%=module-%) $(KERNELS:%=hooked-%) ## [test] unit tests on the host, all tests on KERNELS in VMs (T=GLOB, KERNELS=6.12)
	@tests/vm/run check $(KERNELS) $(if $(T),$(T:%=--test '%'),--host '$(MAKE) -s -C tool check')

# Whichever that is today: what it breaks is seen when it appears.
check-next: ## [test] a short suite on the newest kernel in Debian's archive (T=GLOB)
	@kernel=$(call fetched,newest) && echo "the newest kernel is $$kernel" && \
		$(MAKE) check KERNELS=$$kernel T='$(or $(T),count_* life_* netlink_*)'

# The quickest loop too: seconds from an edit to its verdict, make check-debug T='count_ports*'.
check-debug deps-debug: PACKAGES += $(KBUILDS)
deps-debug: deps
# UML=uml-debug-next: the newest kernel that Debian has the source of.
UML ?= uml-debug
check-debug: deps-debug tool collection kernel-$(UML) ## [test] all tests with sanitizers in User Mode Linux; one test in seconds (T=GLOB, UML=uml-debug-next)
	@tests/vm/run check $(UML) $(T:%=--test '%')

# What two CPUs can do to each other, and to the module.
SMP ?= smp-kasan smp-kcsan
SMP_TESTS := count_smp count_bound life_tidy life_cycle life_switch life_flood netlink_dump
check-smp: PACKAGES += $(KBUILDS)
check-smp: deps tool collection $(SMP:%=kernel-%) ## [test] stress tests on two CPUs with KASAN, lockdep and KCSAN (T=GLOB, SMP=smp-kcsan)
	@tests/vm/run check $(SMP) --serial $(foreach test,$(or $(T),$(SMP_TESTS)),--test '$(test)')

# Every kernel that portmon is for. Another architecture has its tool and tests in build/ARCH.
check-matrix: PACKAGES += $(CLANG) gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-i686-linux-gnu libc6-dev-i386-cross qemu-system-arm
check-matrix: deps ## [test] all tests on all kernels: clang, PREEMPT_RT, arm64, 32 bits (MATRIX=6.12-rt, T=GLOB)
	@matrix='$(MATRIX)'; [[ $$matrix != *newest* ]] || { newest=$(call fetched,newest) && matrix=$${matrix//newest/$$newest}; } && \
		$(MAKE) -k MATRIX="$$matrix" $$(printf 'matrix-%s ' $$matrix)

$(filter %-arm64,$(MATRIX:%=matrix-%)): build-arm64
$(filter %-686,$(MATRIX:%=matrix-%)): build-i386
matrix-%: module-% hooked-% tool collection FORCE
	@tests/vm/run check $* $(call user,$*) $(T:%=--test '%')

foreign = $(if $(filter %-arm64,$1),arm64)$(if $(filter %-686,$1),i386)
user = $(if $(call foreign,$1),--ctl build/$(call foreign,$1)/portmon-ctl --tests build/$(call foreign,$1)/tests)
CROSS_arm64     := aarch64-linux-gnu-
CROSS_i386      := i686-linux-gnu-
build-%: collection
	@mkdir -p build/$*/{lib,obj}
	@base=$(call fetched,guest $*) && cd build/$*/lib && \
		cpio --quiet -idmu 'usr/lib/*/lib'{nl-,ncursesw,tinfo}'*.so*' < $$base/base.cpio
	@$(MAKE) -s -C tool O=$(CURDIR)/build/$*/tool BIN=$(CURDIR)/build/$*/portmon-ctl CC=$(CROSS_$*)gcc HOSTCC=$(CC) \
		LIBS="$$(find $(CURDIR)/build/$*/lib -type l -name '*.so.*' | tr '\n' ' ') -Wl,--unresolved-symbols=ignore-in-shared-libs"
	@ksrc=$(call fetched,source) && $(MAKE) -s -C tests KSRC=$$ksrc OUTPUT=$(CURDIR)/build/$*/obj CC=$(CROSS_$*)gcc \
		install INSTALL_PATH=$(CURDIR)/build/$*/tests > /dev/null
	@cp build/tests/kselftest-list.txt build/$*/tests

# Five minutes unless told otherwise: SOAK=90s, SOAK=2h.
SOAK ?= 5m
soak_seconds = $$(($(subst h,*3600,$(subst m,*60,$(SOAK:%s=%)))))
soak: deps tool collection module-$(KERNEL) ## [test] endurance test (SOAK=2h, KERNEL=6.1)
	@PORTMON_SOAK=$(soak_seconds) tests/vm/run check $(KERNEL) --program soak.py --timeout $$(($(soak_seconds) * 2 + 600))

check-valgrind: deps-debug tool collection kernel-uml-debug ## [test] every command of portmon-ctl under valgrind, in User Mode Linux
	@tests/vm/run check uml-debug --program valgrind.py --timeout 900

EXPORTER_TESTS := $(EXPORTER_PACKAGES) python3-prometheus-client chromium nodejs npm openssl valgrind
check-exporter: PACKAGES += $(KBUILDS) $(EXPORTER_TESTS)
check-exporter: deps tool exporter collection kernel-uml-debug ## [test] portmon-exporter beside Prometheus, hostile clients, the page in Chromium
	@tests/exporter/run

# What is counted in guests comes to guest-*: the tool's, and the module's under the path it was built at. Two CPUs reach what one
# does not.
COVERAGE := $(CURDIR)/build/coverage
COVERED  := $(CURDIR)/build/gcov
UNDER_COVERAGE = --build $(COVERED) --ctl $(COVERAGE)/portmon-ctl --coverage $(COVERAGE)
covered = $(COVERED)/$1/kmod:$(COVERAGE)/guest-*/gcov$(COVERED)/$1/kmod
coverage: PACKAGES += $(KBUILDS) $(EXPORTER_TESTS)
coverage: deps collection gcov-uml-debug gcov-smp-kasan ## [test] list the lines of the module and the tool that no test reaches
	@rm -rf $(COVERAGE) && mkdir -p $(COVERAGE)
	@$(MAKE) -s -C tool O=$(COVERAGE)/tool BIN=$(COVERAGE)/portmon-ctl EXPORTER=$(COVERAGE)/portmon-exporter \
		CFLAGS='-O0 -g --coverage' all exporter check > $(COVERAGE)/unit.log || { cat $(COVERAGE)/unit.log; exit 1; }
	@PORTMON_EXPORTER=$(COVERAGE)/portmon-exporter tests/exporter/run $(UNDER_COVERAGE) | tee $(COVERAGE)/exporter.log || true
	@mv $(COVERAGE)/guest-uml-debug $(COVERAGE)/guest-exporter
	@tests/vm/run check uml-debug $(UNDER_COVERAGE) $(foreach t,$(T),--test '$(t)') | tee $(COVERAGE)/suite.log || true
	@tests/vm/run check smp-kasan $(UNDER_COVERAGE) $(foreach t,$(or $(T),$(SMP_TESTS)),--test '$(t)') | tee $(COVERAGE)/smp.log || true
	@tests/coverage --suite $(COVERAGE)/suite.log --suite $(COVERAGE)/exporter.log --suite $(COVERAGE)/smp.log \
		kmod=$(call covered,uml-debug),$(call covered,uml-debug-hooked),$(call covered,smp-kasan),$(call covered,smp-kasan-hooked) \
		'tool=$(COVERAGE)/tool,$(COVERAGE)/tool:$(COVERAGE)/guest-*/tool'

gcov-%: FORCE
	$(call kbuild,gcov/$*,$(call built,$*)/build,$(if $(filter uml%,$*),ARCH=um) GCOV_PROFILE=y modules)
	$(call kbuild,gcov/$*-hooked,$(call built,$*)/build,$(if $(filter uml%,$*),ARCH=um) GCOV_PROFILE=y PORTMON_TEST=y modules)

uml-shell: PACKAGES += $(KBUILDS)
uml-shell: deps tool collection kernel-$(UML) ## [test] a prompt in User Mode Linux, in two seconds
	@tests/vm/run shell $(UML)

kernel-%: FORCE
	$(call kbuild,$*,$(call built,$*)/build,$(if $(filter uml%,$*),ARCH=um) modules)
	$(call kbuild,$*-hooked,$(call built,$*)/build,$(if $(filter uml%,$*),ARCH=um) PORTMON_TEST=y modules)

vm-shell: deps tool collection module-$(KERNEL) ## [test] a prompt in a VM (KERNEL=6.1)
	@tests/vm/run shell $(KERNEL)

collection:
	@rm -rf build/tests && mkdir -p build/tests build/tests.obj
	@ksrc=$(call fetched,source) && tests="$(MAKE) -s -C tests KSRC=$$ksrc OUTPUT=$(CURDIR)/build/tests.obj" && \
		$$tests install INSTALL_PATH=$(CURDIR)/build/tests > /dev/null && \
		$$tests emit_tests COLLECTION=portmon > build/tests/kselftest-list.txt

# Seconds for each of the programs.
FUZZ_SECONDS ?= 20
fuzz: PACKAGES += clang libclang-rt-14-dev $(EXPORTER_PACKAGES)
fuzz: deps tool ## [test] libFuzzer on all input of the tool and the exporter (FUZZ_SECONDS=, per program)
	@$(MAKE) -s -C tests/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

bench: PACKAGES += clang gnuplot-nox $(EXPORTER_PACKAGES)
bench: deps tool exporter module-6.12 module-6.1 ## [measure] cost compared with other tools, counted in VMs; rewrites Documentation/performance.rst
	@$(MAKE) -s -C tests/bench OUT=$(CURDIR)/build/bench KDIR=$(call fetched,kernel 6.12)/build
	@tests/bench/run bench

# One boot, and of its loads only some, take a minute: make bench-guard PARTS=packets LOADS='udp4-1 bulk'.
PARTS   ?=
LOADS   ?=
guard_scrape = $(filter scrape,$(or $(PARTS),scrape))
bench-guard: PACKAGES += $(if $(guard_scrape),$(EXPORTER_PACKAGES))
bench-guard: deps tool $(if $(guard_scrape),exporter) module-6.12 $(patsubst drop-%,module-%,$(filter drop-%,$(or $(PARTS),drop-6.1))) ## [measure] cost of portmon alone, checked against its bounds (PARTS=packets, LOADS='udp4-1 bulk')
	@$(MAKE) -s -C tests/bench OUT=$(CURDIR)/build/bench guard
	@tests/bench/run guard $(PARTS:%=--part %) $(if $(LOADS),--loads '$(LOADS)')

bench-native: PACKAGES += $(KBUILDS)
bench-native: deps kernel-uml ## [measure] real time of a hook, in User Mode Linux
	@$(MAKE) -s -C tests/bench OUT=$(CURDIR)/build/bench-native KDIR=$(call built,uml)/build ARCH=um modules
	@tests/bench/run native

bench-cpus: ## [measure] real time of shared counters, with threads (on an idle machine)
	@$(MAKE) -s -C tests/bench OUT=$(CURDIR)/build/bench $(CURDIR)/build/bench/replica
	@tests/bench/run cpus

gen: ## [source] regenerate the uapi header and the policies from the netlink spec
	@KSRC=$(call fetched,source) tests/gen

check-gen: deps ## [source] fail if the uapi header or the policies differ from the netlink spec (generators of 6.12 and the newest kernel)
	@KSRC=$(call fetched,source) tests/gen --check
	@KSRC=$(call fetched,source next) tests/gen --check

# A release of Debian that is not this machine's will do, too.
DISTRO ?= bookworm
check-fresh: PACKAGES += mmdebstrap git
check-fresh: deps ## [test] README.md's commands in a new Debian, as root (DISTRO=trixie, T=GLOB, KERNELS=6.12)
	@T='$(or $(T),count_ports*)' KERNELS='$(KERNELS)' tests/fresh $(DISTRO)

picture: ## [source] rewrite the picture of the architecture in Documentation/design.rst
	@tests/lint/picture

lint: PACKAGES += $(CLANG) mandoc zsh fish
lint: deps check-gen lint-text lint-order lint-prose $(KERNELS:%=lint-%) ## [source] checkpatch, sparse, W=1, clang, and the lint-* below
	@perl $(call fetched,source)/scripts/checkpatch.pl -f \
		$(filter-out %_gen.c %_gen.h,$(wildcard kmod/*.[ch] tool/*.[ch] tool/*/*.[ch]))

lint-text: tool ## [source] completion scripts and manual pages
	@$(MAKE) -s -C tool completion
	@for shell in bash zsh fish; do $$shell -n build/tool/completion.$$shell || exit; done
	@mandoc -Tlint -W warning Documentation/man/*.[1-8]

lint-order: tool ## [source] files may include and call only lower layers (kmod/layers, tool/layers)
	@tests/include-order kmod tool=build/tool

lint-prose: ## [source] prose: sentence length and banned phrases (tests/lint), and the picture
	@tests/lint/prose
	@tests/lint/picture --check

lint-%: FORCE
	@rm -rf build/lint-$* build/clang-$*
	$(call kbuild,lint-$*,$(call fetched,kernel $*)/build,CONFIG_DEBUG_INFO_BTF_MODULES= C=2 W=1 KCFLAGS=-Werror PORTMON_TEST=y modules) \
		2>&1 | tee build/lint-$*/log
	@! grep -E 'warning:|error:' build/lint-$*/log > /dev/null
	$(call debian,clang-$*,$*-clang,PORTMON_TEST=y)

clean: ## [build] remove everything built here (downloads stay in the cache)
	@rm -rf build
	@$(MAKE) -s -C tool clean

FORCE:
.PHONY: FORCE all help deps deps-debug module tool exporter install uninstall demo check check-next check-debug check-exporter check-smp check-valgrind check-matrix coverage soak fuzz \
	vm-shell uml-shell bench bench-guard bench-native bench-cpus collection gen check-gen check-fresh lint lint-order lint-prose lint-text picture clean
