load common

# From the spool to the store: what is infected, or was not looked at, is never delivered as if it were clean.

acme() { weir-tenant add acme; weir-domain add --any acme acme.example; mkdir spool; }
# put NAME FILE [ADDRESS]: into the spool.
put() { weir-spool put --name "$1" --from m@hostile.example --to "${3:-in@acme.example}" spool <"$2"; }
# A program of the pipeline with further options: with weir-scan --max-ms 1.
with() {
	mkdir -p fake
	printf '#!/bin/sh\nexec "%s" "$@" %s\n' "$(PATH=${PATH//"$PWD/fake:"/} command -v "$1")" "${*:2}" >"fake/$1"
	chmod +x "fake/$1"
	PATH=$PWD/fake:${PATH//"$PWD/fake:"/}
}
ingest() { (unset WEIR_BIN; exec "$TOP/pipelines/ingest" --db "${DB:-$SAMPLES/signatures}" "$@" spool); }
letter() { printf 'From: n@x.example\nSubject: %s\nMessage-ID: <%s@x.example>\n\nhello\n' "$1" "$1"; }
# why NAME: by whom and for what it is held or in quarantine; nothing if it is not.
why() { cat "spool/.weir/hold/$1.why.json" "spool/.weir/quarantine/$1.why.json" 2>/dev/null | jq -r '.by + " " + .reason'; }
subjects() { weir-ls messages "$1" --json | jq -r .message.subject | sort | paste -sd' '; }

# What a tenant that flags, one that deletes and one that holds get of the file, which is unscanned for a reason.
three_ways() {
	local file=$1 reason=$2 tenant
	for tenant in flag delete hold; do
		weir-tenant add $tenant
		weir-domain add --any $tenant $tenant.example
		weir-tenant set $tenant "scan.$reason" $tenant
		put $tenant "$file" in@$tenant.example
	done
	letter neighbour >n.eml
	put neighbour n.eml in@hold.example
	ingest || [ $? = 75 ]
	weir-ls messages flag --json | jq -e --arg r "$reason" '.scan.verdict == "unscanned" and .scan.reason == $r and .scan.policy == "flag"
		and (.scan | has("removed") | not) and ([.attachments[] | select(.removed)] == [])' >/dev/null
	weir-ls messages delete --json | jq -e --arg r "$reason" '.scan.verdict == "unscanned" and .scan.reason == $r and .scan.policy == "delete"
		and (.scan.removed | length) > 0 and ([.attachments[] | select(.removed)] | length) > 0 and .raw.sha256 != .id' >/dev/null
	# With little time a busy machine may not be through with the neighbour, either.
	[ "$(subjects hold)" = neighbour ] || [ "$reason" = too_long ]
	[ "$(why hold)" = 'weir-scan unscanned' ]
	[ -f spool/.weir/done/flag ] && [ -f spool/.weir/done/delete ] && [ -f spool/.weir/hold/hold ]
	[ -z "$(why flag)$(why delete)" ]
	weir-fsck
	# In one store the bytes are, in the other not.
	weir-cat flag "$(weir-ls messages flag --json | jq -r .id)" | cmp - "$file"
	weir-cat delete "$(weir-ls messages delete --json | jq -r .id)" >cut
	[ "$(stat -c %s cut)" -lt "$(stat -c %s "$file")" ]
	# The hold is over when the policy is another one.
	weir-tenant set hold "scan.$reason" flag
	weir-spool release spool hold
	ingest || [ $? = 75 ]
	[ -f spool/.weir/done/hold ]
	weir-ls messages hold --json | jq -se 'map(select(.message.subject != "neighbour").scan.verdict) == ["unscanned"]' >/dev/null
}

@test "encrypted: held, delivered flagged or delivered without it, as the tenant wants; never clean" {
	mkdir spool
	three_ways "$SAMPLES/hostile/zip-encrypted.eml" encrypted
}

@test "too big: held, delivered flagged or delivered without it, as the tenant wants; never clean" {
	mkdir spool
	with weir-scan --max-file 5000000
	three_ways "$SAMPLES/hostile/zip-member-huge.eml" too_big
}

@test "too deep: held, delivered flagged or delivered without it, as the tenant wants; never clean" {
	mkdir spool
	three_ways "$SAMPLES/hostile/zip-deep.eml" too_deep
}

@test "too long: held, delivered flagged or delivered without it, as the tenant wants; never clean" {
	mkdir spool
	with weir-scan --max-ms 100
	"$TOP/tests/bombs.py" zip-slow >slow.eml
	three_ways slow.eml too_long
}

@test "each way in which readers and scanners differ, attached, enclosed and as the whole message: nothing of it is in the store" {
	acme
	"$TOP/tests/evasions.py" mail
	"$TOP/tests/evasions.py" --search mail >found && false
	[ "$(ls mail | wc -l)" = 60 ]
	for f in mail/*; do put "$(basename "$f" .eml)" "$f"; done
	letter neighbour >n.eml
	put neighbour n.eml
	ingest || [ $? = 75 ]
	weir-ls messages acme --json >entities
	[ "$(jq -r 'select(.scan.verdict == "clean") | .message.subject' entities)" = neighbour ]
	for f in mail/*; do
		n=$(basename "$f" .eml)
		if [ -f "spool/.weir/done/$n" ]; then
			jq -se --arg id "$(sha256sum "$f" | cut -c1-64)" 'map(select(.id == $id)) | length == 1 and all(.scan.verdict == "infected"
				and (.scan.removed | length) > 0 and .raw.sha256 != $id)' entities >/dev/null || { echo "$n"; false; }
		else
			[[ $(why "$n") =~ ^weir-(scan|parse)\ (unscanned|infected_message|unparseable)$ ]] || { echo "$n: $(why "$n")"; false; }
		fi
	done
	# Neither blobs nor packs nor entities have it, and nothing that a reader writes.
	"$TOP/tests/evasions.py" --search "$WEIR_HOME/tenants"
	weir-export acme --maildir out
	"$TOP/tests/evasions.py" --search out
	weir-fsck
	# Nor is it delivered when the held ones are tried again, or all of it once more.
	weir-spool release spool
	weir-spool requeue --all spool >/dev/null
	ingest || [ $? = 75 ]
	"$TOP/tests/evasions.py" --search "$WEIR_HOME/tenants"
}

@test "the preview of what was removed is removed with it" {
	acme
	"$TOP/tests/evasions.py" mail
	for n in plain.attached html.attached plain.whole html.whole uuencode.attached; do put $n mail/$n.eml; done
	ingest
	[ "$(weir-ls messages acme --json | jq -c 'select(.message | has("preview"))')" = '' ]
	[ "$(weir-ls messages acme --json | wc -l)" = 5 ]
}

# ---- signatures and scanners that come and go ----

@test "no signatures: all is held; when they are there the next run brings it back by itself" {
	acme
	mkdir db
	letter one >1.eml
	"$TOP/tests/evasions.py" mail
	put one 1.eml
	put two mail/base64.attached.eml
	DB=db run -78 ingest
	[ "$(why one),$(why two)" = 'weir-scan no_signatures,weir-scan no_signatures' ]
	[ -z "$(subjects acme)" ]
	# Still none: it waits, without being taken out each time.
	DB=db run -78 ingest
	[ "$(why one)" = 'weir-scan no_signatures' ]
	cp "$SAMPLES"/signatures/* db
	DB=db ingest
	[ "$(weir-ls messages acme --json | jq -r .scan.verdict | sort | paste -sd' ')" = 'clean infected' ]
	[ -z "$(why one)$(why two)" ]
}

@test "signatures that come after the scanner has loaded: the record says by which it was judged, the next run judges by the new ones" {
	acme
	mkdir db
	echo 'Other:0:*:6162636465666768' >db/a.ndb
	"$TOP/tests/evasions.py" mail
	put first mail/base64.attached.eml
	put second mail/base64.whole.eml
	mkfifo go
	# Between loading (the program is fenced in then) and the first message the new ones arrive.
	weir-spool claim spool | weir-parse -r -R spool | weir-route | weir-auth | weir-extract -R spool >records
	weir-scan -j1 -R spool --db db <go >out 2>err 3>&- &
	scanner=$!
	exec 4>go
	until grep -qs '^NoNewPrivs:.1' "/proc/$scanner/status"; do :; done
	cp "$SAMPLES/signatures/samples.ndb" db
	cat records >&4
	exec 4>&-
	wait $scanner
	old=$(jq -r .scan.db out | sort -u)
	[ "$(jq -r .scan.verdict out | sort -u)" = clean ]	# by signatures that did not know it, and the record says by which
	weir-scan -j1 -R spool --db db <records >again
	[ "$(jq -r .scan.verdict again | sort -u)" = infected ]
	[ "$(jq -r .scan.db again | sort -u)" != "$old" ]
}

@test "a scanner whose workers are killed lets nothing through; what it holds comes back and is delivered" {
	acme
	"$TOP/tests/evasions.py" mail
	letter one >1.eml
	put one 1.eml
	put two mail/base64.attached.eml
	# Killed as often as they come.
	{
		until [ -f stop ]; do
			for d in "$WEIR_HOME"/run/scan.[0-9]*; do kill -9 "${d##*.}" 2>/dev/null && echo killed >>kills; done
		done
	} 3>&- &
	killer=$!
	# No mail comes before the first kill has landed.
	mkdir fake
	printf '#!/bin/sh\n{ until [ -s kills ]; do :; done; cat; } | "%s" "$@"\n' "$(command -v weir-scan)" >fake/weir-scan
	chmod +x fake/weir-scan
	status=0
	PATH=$PWD/fake:$PATH ingest || status=$?
	[ -s kills ]
	: >stop
	wait $killer || true
	# 70: they did not even begin.
	[ "$status" = 75 ] || [ "$status" = 0 ] || [ "$status" = 70 ]
	weir-ls messages acme --json | jq -se 'all(.scan.verdict != "unscanned")' >/dev/null
	[ "$(weir-ls messages acme --json | jq -r 'select(.scan.verdict == "clean") | .message.subject' | sed '/^one$/d')" = '' ]
	weir-spool release spool
	ingest
	[ "$(weir-ls messages acme --json | jq -r .scan.verdict | sort | paste -sd' ')" = 'clean infected' ]
}

@test "clamd gone: all is held; when it is back, what is due is delivered" {
	acme
	mkdir -p tmp db "$WEIR_HOME"
	[ -x /usr/sbin/clamd ] || skip "clamd is not installed"
	letter one >1.eml
	"$TOP/tests/evasions.py" mail
	put one 1.eml
	put two mail/base64.attached.eml
	head -c 64 /dev/urandom >"$WEIR_HOME/clamd-canary"
	run -69 "$TOP/pipelines/ingest" --clamd "$PWD/s" spool
	[ "$(why one),$(why two)" = 'weir-scan no_signatures,weir-scan no_signatures' ]
	[ -z "$(subjects acme)" ]
	cp "$SAMPLES"/signatures/* db
	echo "$(sha256sum <"$WEIR_HOME/clamd-canary" | cut -c1-64):64:Weir.Clamd.Canary" >db/weir.hsb
	printf '%s\n' "LocalSocket $PWD/s" "DatabaseDirectory $PWD/db" "TemporaryDirectory $PWD/tmp" "LogFile $PWD/log" 'Foreground yes' \
		'DisableCache yes' 'AlertExceedsMax yes' 'AlertEncrypted yes' "User $(id -un)" >clamd.conf
	/usr/sbin/clamd -c clamd.conf >/dev/null 2>&1 3>&- &
	echo $! >pid
	soon test -S s
	weir-spool release --reason no_signatures spool
	"$TOP/pipelines/ingest" --clamd "$PWD/s" spool
	[ "$(weir-ls messages acme --json | jq -r .scan.verdict | sort | paste -sd' ')" = 'clean infected' ]
}
soon() { local end=$((SECONDS + 20)); until "$@"; do ((SECONDS < end)) || return 1; done; }
teardown() { [ ! -f pid ] || kill "$(cat pid)" || true; }

@test "a damaged ledger: said what to do, nothing is delivered, and once it is removed all of it is" {
	acme
	letter one >1.eml
	put one 1.eml
	ingest
	letter two >2.eml
	put two 2.eml
	head -c 8192 /dev/urandom | dd of="$WEIR_HOME/ledger/data.mdb" conv=notrunc 2>/dev/null
	run -78 ingest
	[[ $output == *"ledger: $WEIR_HOME/ledger: "*": remove it, all is scanned again then"* ]]
	[ "$(subjects acme)" = one ]
	rm -rf "$WEIR_HOME/ledger"
	ingest
	[ "$(subjects acme)" = 'one two' ]
}

# ---- bombs ----

# The worst of tests/bombs.py for one or the other program; BOMBS= names others, BOMBS=all takes all of them.
BOMBS=${BOMBS:-nested-groups million-parts one-line uuencode boundary-names zip-500-mb zip-10000-members}

@test "bombs: no program takes more than 150 MB and 10 s of the processor for any of them, and the neighbours are delivered" {
	[ -z "${ASAN_OPTIONS:-}" ] || skip "a sanitizer's memory says nothing"
	acme
	for program in weir-spool weir-parse weir-route weir-auth weir-extract weir-scan weir-thread weir-store; do
		real=$(command -v $program)
		mkdir -p fake
		printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$TOP/tests/tools/peak" "$PWD/peaks" "$real" >fake/$program
		chmod +x fake/$program
	done
	[ "$BOMBS" != all ] || BOMBS="$("$TOP/tests/bombs.py") $("$TOP/tests/bombs.py" --zips)"
	for bomb in $BOMBS; do
		"$TOP/tests/bombs.py" "$bomb" >bomb.eml
		put "$bomb" bomb.eml
		letter "after-$bomb" >n.eml
		put "$bomb-after" n.eml
		rm -f peaks
		status=0
		PATH=$PWD/fake:$PATH ingest --jobs 1 || status=$?
		[ "$status" = 0 ] || [ "$status" = 75 ]
		[ "$(wc -l <peaks)" = 9 ]
		awk -v b="$bomb" '$2 > 150 * 1024 || $3 > 10 { print b ": too much: " $0; bad = 1 } END { exit bad }' peaks
		[ -f "spool/.weir/done/$bomb-after" ] || { echo "$bomb: the next one is not delivered"; false; }
		[ -f "spool/.weir/done/$bomb" ] || [ -n "$(why "$bomb")" ] || { echo "$bomb is lost"; false; }
	done
	for zip in $("$TOP/tests/bombs.py" --zips); do
		[[ " $BOMBS " != *" $zip "* || $zip = zip-slow || $(why "$zip") = 'weir-scan unscanned' ]] || { echo "$zip: $(why "$zip")"; false; }
	done
}

@test "a message that takes the scanner too much of the processor's time is unscanned, the next one is delivered" {
	acme
	"$TOP/tests/bombs.py" zip-6-times-90-mb >bomb.eml
	put bomb bomb.eml
	letter after >n.eml
	put after n.eml
	with weir-scan --cpu 1 --max-total 2000000000
	run -75 ingest --jobs 1
	[ "$(why bomb)" = 'weir-scan unscanned' ]
	jq -r .detail spool/.weir/hold/bomb.why.json | grep -q '^message: timeout: not done after [0-9]* ms$'
	[ "$(subjects acme)" = after ]
}

@test "weir-security(7): each test that it names is there" {
	awk -F': ' '/^\.Dl [a-z-]+\.bats: / { sub(/^\.Dl /, ""); print }' "$TOP/man/weir-security.7" >named
	[ "$(wc -l <named)" -gt 40 ]
	while IFS= read -r line; do
		grep -qF "@test \"${line#*: }\" {" "$TOP/tests/${line%%: *}" || { echo "no such test: $line"; false; }
	done <named
	[ "$(sort named | uniq -d)" = '' ]
}
