load common
load mailbox

setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home
	cd "$BATS_TEST_TMPDIR" || return
	sigs
	printf '%s' "$MARK" >mark
	mkdir -p "$WEIR_HOME" tmp
}

# A clamd of our own, with the signatures in db and one for the canary.
clamd_start() {
	[ -x /usr/sbin/clamd ] || skip "clamd is not installed"
	head -c 64 /dev/urandom >"$WEIR_HOME/clamd-canary"
	echo "$(sha256sum <"$WEIR_HOME/clamd-canary" | cut -c1-64):64:Weir.Clamd.Canary" >db/weir.hsb
	cat >clamd.conf <<-C
		LocalSocket $PWD/s
		DatabaseDirectory $PWD/db
		TemporaryDirectory $PWD/tmp
		LogFile $PWD/log
		Foreground yes
		DisableCache yes
		AlertExceedsMax yes
		AlertEncrypted yes
		User $(id -un)
		StreamMaxLength ${1:-100M}
	C
	/usr/sbin/clamd -c clamd.conf >/dev/null 2>&1 3>&- &
	echo $! >pid
	local i
	for ((i = 0; i < 100; i++)); do [ -S s ] && break; read -rt 0.1 <> <(:) || true; done
	[ -S s ] || { cat log; false; }
}

teardown() { [ ! -f "$BATS_TEST_TMPDIR/pid" ] || kill "$(cat "$BATS_TEST_TMPDIR/pid")" || true; }

ask() { weir-scan -j1 --clamd s -R . "$@"; }
verdicts() { jq -r '[.scan.verdict // "-", .scan.reason // "-", .hold.reason // "-"] | join(" ")'; }

@test "clamd finds what is infected, passes what is not, and is named in the record" {
	clamd_start
	mail m.eml mark
	mail n.eml /etc/hostname
	head -c 300000 /dev/zero >pad; cat mark >>pad
	mail large.eml pad
	extracted m.eml n.eml large.eml | ask >out
	[ "$(verdicts <out | paste -sd,)" = 'infected - -,clean - -,infected - -' ]
	jq -se '.[0].scan.removed == ["1.2"] and (.[1].scan.engine | test("^ClamAV"))' out >/dev/null
}

@test "clamd says OK to everything when its temporary folder is gone: the canary notices" {
	clamd_start
	mail n.eml /etc/hostname
	extracted n.eml >in
	ask <in | verdicts | grep -qx 'clean - -'
	rm -rf tmp
	: >tmp
	run -78 bash -c 'weir-scan -j1 --clamd s -R . <in >out 2>err'
	[ "$(jq -r .hold.reason out)" = no_signatures ]
}

@test "over its stream limit is too big, not clean" {
	clamd_start 10K
	head -c 30000 /dev/zero >big
	mail m.eml big
	extracted m.eml >in
	ask <in >out
	verdicts <out | grep -qx 'unscanned too_big unscanned'
}

@test "what can be seen from outside is seen by us: damaged, encrypted and unsupported archives" {
	clamd_start
	printf 'Rar!\032\007\001\000 and so on' >x.rar
	head -c 3000 /dev/urandom | gzip >g.gz
	head -c 1000 g.gz >cut.gz
	mail m.eml x.rar
	mail n.eml cut.gz
	extracted m.eml n.eml | ask >out
	[ "$(verdicts <out | paste -sd,)" = 'unscanned unsupported unscanned,unscanned corrupt unscanned' ]
}

@test "no clamd: 69, everything is held; no canary file: 78" {
	mail m.eml mark
	extracted m.eml >in
	run -69 bash -c 'weir-scan --clamd ./nothing -R . <in >out 2>err'
	[ "$(jq -r .hold.reason out)" = no_signatures ]
	clamd_start
	rm "$WEIR_HOME/clamd-canary"
	run -78 bash -c 'weir-scan --clamd s -R . <in >out 2>err'
	[ "$(jq -r .hold.reason out)" = no_signatures ]
}

@test "a clamd that goes away in the middle makes errors, not clean" {
	clamd_start
	mail n.eml /etc/hostname
	extracted n.eml >in
	mkfifo pipe
	weir-scan -j1 --clamd s -R . <pipe >out 2>err 3>&- &
	scanner=$!
	exec 4>pipe
	cat in >&4
	until [ -s out ]; do :; done
	kill "$(cat pid)"; rm pid
	while [ -S s ]; do :; done
	cat in >&4
	exec 4>&-
	status=0
	wait "$scanner" || status=$?
	[ "$status" = 75 ]
	[ "$(verdicts <out | paste -sd,)" = 'clean - -,unscanned error unscanned' ]
}
