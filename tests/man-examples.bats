load common

# What the examples may count on: a folder with samples/, a home into which they were ingested, a maildir, an
# mbox and a message of one's own, and the tenants of the samples.
setup_file() {
	load common
	export WEIR_HOME=$BATS_FILE_TMPDIR/home
	mkdir -p "$BATS_FILE_TMPDIR/w" && cd "$BATS_FILE_TMPDIR/w" || return
	cp -r "$SAMPLES" samples
	cp -r samples/spool spool
	"$SAMPLES/setup"
	weir ingest --db samples/signatures spool || [ $? = 75 ]
	mkdir -p Maildir/cur Maildir/new Maildir/tmp
	first=$(find samples/spool/in -type f | sort | head -3)
	for f in $first; do cp "$f" "Maildir/cur/${f##*/}:2,S"; done
	cp samples/hostile/rfc822-qp.eml message.eml
	{ echo 'From a@b.example Mon Nov 16 12:00:00 2026'; cat samples/hostile/words-padded.eml; echo; } >mbox
}

@test "every manual page has an EXAMPLES section with something to run (programs) and lints clean" {
	mandoc -T lint -W warning "$TOP"/man/*.[157]
	for page in "$TOP"/man/*.1; do
		[ -n "$(awk -f "$TOP/tests/examples.awk" "$page")" ] || { echo "no examples: $page"; false; }
	done
}

@test "every example of every manual page works as printed" {
	for page in "$TOP"/man/*.[157]; do
		rm -rf w home
		cp -r "$BATS_FILE_TMPDIR/w" w
		cp -r "$BATS_FILE_TMPDIR/home" home
		awk -f "$TOP/tests/examples.awk" "$page" >all
		awk -v p="$PWD/$(basename "$page")" 'BEGIN { n = 1 } /^%%$/ { n++; next } { print > (p "." n ".ex") }' all
		for ex in "$(basename "$page")".*.ex; do
			[ -f "$ex" ] || continue
			(cd w && HOME=$PWD WEIR_HOME=$BATS_TEST_TMPDIR/home bash -eo pipefail "../$ex") >out 2>err </dev/null || {
				status=$?
				[ "$status" = 75 ] && continue	# some of it is held: in the samples, it is
				printf '%s: status %d\n%s\n%s\n--\n' "${page##*/}" "$status" "$(cat "$ex")" "$(tail -3 err)" >>"$BATS_TEST_TMPDIR/failed"
			}
		done
	done
	[ ! -e failed ] || { cat failed; false; }
}
