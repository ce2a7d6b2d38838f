load common

# A Debian of our own: what is installed, and what apt-get was asked to do.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir f
	printf '#!/bin/sh\nfor p; do :; done\ngrep -qx "$p" "%s/installed" && printf installed || exit 1\n' "$PWD" >f/dpkg-query
	printf '#!/bin/sh\necho "apt-get $*" >>"%s/log"\ncase "$*" in *update*) touch "%s/lists" ;; *) [ -e "%s/lists" ] ;; esac\n' "$PWD" "$PWD" "$PWD" >f/apt-get
	printf '#!/bin/sh\necho "sudo" >>"%s/log"\nexec "$@"\n' "$PWD" >f/sudo
	printf '#!/bin/sh\necho ${UID_OF_TEST:-0}\n' >f/id
	chmod +x f/*
	printf 'libx-dev\nbats\n' >installed
	: >log
	PATH=$PWD/f:$PATH
}
need() { "$TOP/.ci/need" "$@"; }

@test "what is there is not spoken of" {
	run --separate-stderr need libx-dev bats
	[ "$status" = 0 ] && [ -z "$output$stderr" ] && [ ! -s log ]
}

@test "what is missing is named and installed, without fetching lists that are there" {
	touch lists
	run --separate-stderr need libx-dev liby-dev libz-dev
	[ "$status" = 0 ]
	[[ $stderr == *'apt-get: liby-dev libz-dev' ]]
	grep -q 'install .* liby-dev libz-dev' log
	! grep -qE 'update|sudo' log
}

@test "lists that are missing are fetched once" {
	need liby-dev
	[ "$(grep -c update log)" = 1 ]
	[ "$(grep -c ' install ' log)" = 2 ]
}

@test "who is not root is asked by sudo" {
	touch lists
	UID_OF_TEST=1000 need liby-dev
	grep -q sudo log
}

@test "a program that is there without its package is good enough, a library is not" {
	touch lists
	rm installed && touch installed
	need make
	[ ! -s log ]
	need libmake
	[ -s log ]
}

@test "where there is no dpkg nothing is tried" {
	rm f/dpkg-query
	mkdir p
	for c in sh env; do ln -s "$(command -v $c)" p/$c; done
	PATH=$PWD/p run "$TOP/.ci/need" liby-dev
	[ "$status" = 0 ] && [ -z "$output" ]
}

@test "servers that tests want are not started, and what forbids it is taken away again" {
	touch lists
	sed -i '2i ls "$POLICY_RC_D" >>"'"$PWD"'/log" 2>&1' f/apt-get
	printf '#!/bin/sh\necho "systemctl $*" >>"%s/log"\n' "$PWD" >f/systemctl
	chmod +x f/systemctl
	POLICY_RC_D=$PWD/policy need liby-dev nsd
	grep -qx "$PWD/policy" log
	grep -q 'disable nsd' log
	[ ! -e policy ]
	echo mine >policy
	POLICY_RC_D=$PWD/policy need postfix
	[ "$(cat policy)" = mine ]
}
