load common

# A spool of N meter readings for stadtwerk, without notifications.
small_spool() {
	mkdir -p spool/in
	awk -F'\t' '$5 ~ /^read/ && $3 !~ /^content/ { print $2 }' "$SAMPLES/CONTENTS" | head -"$1" |
		while read -r sid; do cp "$SAMPLES/spool/in/$sid" spool/in/; done
	"$SAMPLES/setup"
}
# A stage that ends with a status of our choosing, in the place of the real one.
fake() { mkdir -p fake; printf '#!/bin/sh\ncat\nexit %d\n' "$2" >"fake/$1"; chmod +x "fake/$1"; PATH=$PWD/fake:$PATH; }

@test "ingest is silent off the terminal and prints one line with --summary" {
	small_spool 2
	run --separate-stderr weir ingest --db "$SAMPLES/signatures" spool
	[ "$status" = 0 ] && [ -z "$output$stderr" ]
	run --separate-stderr weir ingest --db "$SAMPLES/signatures" --summary spool
	[ "$status" = 0 ] && [ -z "$output" ] && [ "${#stderr_lines[@]}" = 1 ]
}

@test "usage: no spool, two spools, unknown options, missing values" {
	run -64 weir ingest
	run -64 weir ingest a b
	run -64 weir ingest --nonsense .
	run -64 weir ingest --home
	run -64 weir ingest-maildir .
	run -64 weir ingest-maildir --tenant
	run -74 weir ingest missing
	weir ingest --help | grep -q '^usage:'
	weir ingest-maildir --help | grep -q '^usage:'
}

@test "a stage that ends with 65 is no failure, 75 is the run's status, others are named" {
	small_spool 1
	fake weir-auth 65
	unset WEIR_BIN
	run -0 --separate-stderr "$TOP/pipelines/ingest" --db "$SAMPLES/signatures" spool
	fake weir-auth 75
	run -75 --separate-stderr "$TOP/pipelines/ingest" --db "$SAMPLES/signatures" spool
	[ -z "$stderr" ]
	fake weir-auth 70
	run -70 --separate-stderr "$TOP/pipelines/ingest" --db "$SAMPLES/signatures" spool
	[[ $stderr == *'weir-auth ended with 70'* ]]
}

@test "without usable signatures nothing is delivered and nothing is lost" {
	small_spool 2
	mkdir empty
	run -78 --separate-stderr weir ingest --db empty spool
	[ "$(weir-ls messages stadtwerk --json | wc -l)" = 0 ]
	[[ $stderr == *'weir-scan ended with 78'* ]]
	cp "$SAMPLES"/signatures/* empty/	# freshclam came by: what waited for it comes back by itself
	weir ingest --db empty spool
	[ "$(weir-ls messages stadtwerk --json | wc -l)" = 2 ]
}

@test "--no-scan delivers, and says so in each message" {
	small_spool 1
	weir ingest --no-scan spool
	weir-ls messages stadtwerk --json | jq -e '.scan.allowed == "--allow-unscanned" or .scan.verdict == "unscanned"' >/dev/null
}

@test "--delete empties the spool once everything is stored" {
	small_spool 2
	weir ingest --delete --db "$SAMPLES/signatures" spool
	[ -z "$(find spool -type f -not -path '*/.weir/live/*')" ]	# (locks of zero bytes)
}

@test "runs that end well leave no locks to pile up" {
	small_spool 2
	for _ in 1 2 3 4; do weir ingest --db "$SAMPLES/signatures" spool; done
	[ "$(find spool/.weir/live "$WEIR_HOME/run/live" -type f | wc -l)" -le 2 ]
}

@test "ingest-maildir takes everything for one tenant and changes nothing in the maildir" {
	mkdir -p m/cur m/new m/tmp
	i=0
	for f in "$SAMPLES"/spool/in/*; do
		i=$((i + 1))
		[ "$i" -le 6 ] && cp "$f" "m/cur/$i.x:2,RS"
	done
	find m -type f -exec sha256sum {} + | sort >before
	weir-tenant add archive
	weir ingest-maildir --db "$SAMPLES/signatures" --tenant archive m || [ $? = 75 ]
	find m -type f -exec sha256sum {} + | sort >after
	cmp before after
	[ "$(weir-ls messages archive --json | wc -l)" -ge 4 ]
}

@test "ingest-maildir names what it could not store, and says so with its status" {
	mkdir -p m/cur
	cp "$SAMPLES/hostile/zip-encrypted.eml" "m/cur/1.x:2,S"
	cp "$SAMPLES/hostile/groups.eml" "m/cur/2.x:2,S"
	weir-tenant add archive
	run -75 --separate-stderr weir ingest-maildir --db "$SAMPLES/signatures" --summary --tenant archive m
	[ -z "$output" ]
	grep -qx 'weir-spool: cur%2F1.x:2,S: not stored: weir-scan: unscanned' <<<"$stderr"
	grep -q '^2 messages in .*: 1 stored (1 new), 0 infected and cut, 1 held (1 unscanned), 0 in quarantine$' <<<"$stderr"
	rm m/cur/1.*
	run -0 --separate-stderr weir ingest-maildir --db "$SAMPLES/signatures" --tenant archive m
	[ -z "$output$stderr" ]
}

@test "ingest-maildir takes an mbox, and leaves it as it was" {
	printf 'From a@b Mon Nov 16 12:00:00 2026\nSubject: %s\n\nx\n\n' 1 2 | sed 's/^x$/>From x/' >box
	cp box before
	weir-tenant add archive
	weir ingest-maildir --db "$SAMPLES/signatures" --tenant archive box
	[ "$(weir-ls messages archive --json | jq -r .message.subject | sort | paste -sd' ')" = '1 2' ]
	cmp box before && [ ! -e box.weir ]
}

@test "two ingests at once on one spool: every message once, one digest" {
	cp -r "$SAMPLES/spool" spool
	cp -r "$SAMPLES/spool" spool2
	"$SAMPLES/setup"
	cp -r "$WEIR_HOME" home2	# keys are made by chance, and a digest is also of the settings
	weir ingest --db "$SAMPLES/signatures" spool & a=$!
	weir ingest --db "$SAMPLES/signatures" spool & b=$!
	wait $a || [ $? = 75 ]
	wait $b || [ $? = 75 ]
	for t in stadtwerk hausblick brueckner; do weir-fsck --digest $t; done >two
	export WEIR_HOME=$PWD/home2
	weir ingest --db "$SAMPLES/signatures" spool2 || [ $? = 75 ]
	for t in stadtwerk hausblick brueckner; do weir-fsck --digest $t; done >one
	cmp one two
}

@test "crontab.example: each command names programs and options that exist" {
	grep -E '^[0-9*]' "$TOP/pipelines/crontab.example" | sed -E 's/^([^ ]+ +){5}weir +//; s/.*weir-ingest weir/weir/; s/^out=.*\(weir/weir/' >lines
	[ -s lines ]
	while read -r _ name rest; do
		weir "$name" --help >help
		for o in $(grep -oE -- '--[a-z-]+' <<<"$rest"); do grep -q -- "$o" help || { echo "weir $name has no $o"; false; }; done
	done <lines
}

@test "on a terminal ingest shows how far it is, then one line" {
	small_spool 2
	script -qec "weir ingest --db '$SAMPLES/signatures' spool" typescript >/dev/null </dev/null || [ $? = 75 ]
	grep -aq '2 messages in .* 2 stored' typescript
}
