load common

# Every line that a program writes fits man/weir-record.schema.json, the machine-readable half of weir-record(5).

python=${PYTHON:-/usr/bin/python3}
fits() { "$python" "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" "$@"; }

# The samples through a pipeline, each stage's output kept.
setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	export WEIR_HOME=$BATS_FILE_TMPDIR/home WEIR_SPOOL=$BATS_FILE_TMPDIR/spool
	cp -r "$SAMPLES/spool" spool
	"$SAMPLES/setup"
	weir-spool list spool >list
	weir-spool claim spool | tee claim | weir-parse -r --text --html --headers | tee parse | weir-route | tee route |
		weir-auth | tee auth | weir-extract | tee extract | weir-scan --db "$SAMPLES/signatures" | tee scan |
		weir-thread | tee thread | weir-store | tee store | weir-spool ack --json spool >ack || [ $? = 75 ]
}

@test "records of every stage of a pipeline" {
	cd "$BATS_FILE_TMPDIR"
	for stage in list claim parse route auth extract scan thread store; do
		echo "$stage:"
		fits <$stage
	done
	grep -q '"hold"' store
}

@test "records of raw messages, of the samples and of the hostile ones" {
	weir-parse "$SAMPLES"/hostile/*.eml >hostile || [ $? = 65 ]
	fits <hostile
	weir-parse --text --html --headers <"$SAMPLES"/hostile/rfc822-qp.eml | fits
}

@test "records of the suite's messages" {
	[ -d "$WEIR_SUITES/mime" ] || skip "no suites: set WEIR_SUITES"
	find "$WEIR_SUITES/mime" "$WEIR_SUITES/hostile" -name '*.eml' -print0 | xargs -0 weir-parse >mime || [ $? = 123 ]
	fits <mime
}

@test "entities: messages, threads, attachments, inboxes, tenants, domains, addresses" {
	export WEIR_HOME=$BATS_FILE_TMPDIR/home
	for t in $(weir-ls tenants); do
		for what in messages threads attachments inboxes; do
			weir-ls "$what" --json "$t" >got
			fits <got
		done
		weir-ls events --json "$t" >got
		[ ! -s got ] || fits <got
		weir-tenant --json show "$t" | fits
		weir-address --json list "$t" | fits
		weir-address --json show "$t" "$(weir-address list "$t" | head -1 | cut -f1)" | fits
		weir-inbox --json list "$t" | fits
		weir-inbox --json show "$t" default | fits
		weir-tenant export "$t" | jq -c . | fits
		weir-tenant --json plan "$t" <<<'{"policy":{"scan.error":"flag"},"duplicates":{"window":"1h"}}' >got || [ $? = 1 ]
		fits <got
		weir-export --jsonl "$t" | fits
	done
	weir-ls tenants --json | fits
	weir-tenant --json list | fits
	weir-tenant --json platform | fits
	weir-domain --json list | fits
	weir-cat --json stadtwerk "$(weir-ls messages --json stadtwerk | head -1 | jq -r .id)" | fits
}

@test "what becomes of spools: counts, status, and why beside what is held" {
	export WEIR_SPOOL=$BATS_FILE_TMPDIR/spool WEIR_HOME=$BATS_FILE_TMPDIR/home
	fits <"$BATS_FILE_TMPDIR/ack"
	weir-spool status --json "$WEIR_SPOOL" | fits
	find "$WEIR_SPOOL/.weir/hold" -name '*.why.json' -exec jq -c . {} + >why
	[ "$(wc -l <why)" -ge 2 ]
	fits why <why
	jq -c .record why | fits
	weir-why --json "$(jq -r '.record.id' why | head -1)" >got
	jq -c 'if .type then empty else . end' got >held
	jq -c 'select(.type)' got >stored
	[ -s held ] || [ -s stored ]
	[ ! -s stored ] || fits <stored
}

@test "findings of weir-fsck and of weir-scan --missing and --exposed" {
	cp -r "$BATS_FILE_TMPDIR/home" home
	weir-fsck --json | fits
	weir-scan --missing --db "$SAMPLES/signatures" >got
	[ ! -s got ] || fits <got
	sha=$(weir-ls messages --json stadtwerk | head -1 | jq -r .raw.sha256)
	weir-cat stadtwerk "$sha" >raw
	mkdir db
	printf '%s:%s:Weir.Test.Late\n' "$(md5sum <raw | cut -d' ' -f1)" "$(stat -c %s raw)" >db/late.hdb
	weir-scan --exposed --db db >got
	fits <got
	grep -q Weir.Test.Late got
	find home/tenants/stadtwerk/blobs -name '*.pack' -exec sh -c 'printf x | dd of="$1" bs=1 seek=5000 conv=notrunc 2>/dev/null' _ {} \;
	weir-fsck --json stadtwerk >got || [ $? = 65 ]
	fits <got
	grep -q '"problem"' got
}

@test "reports of others: what is read, what is stored, receipts, sums, and what a record says of them" {
	export WEIR_HOME=$PWD/home
	"$SAMPLES/setup"
	weir-event dmarc --report --json "$SAMPLES"/reports/*.xml | fits
	weir-event tlsrpt --report --json "$SAMPLES/reports/tls.json" | fits
	weir-event dmarc --report --tenant hausblick --json "$SAMPLES/reports/rfc9990.xml" | fits
	cp "$SAMPLES"/reports/mail/*.eml .
	/usr/bin/python3 "$TOP/tests/reports.py" mailother >other.eml
	weir-parse ./*.eml | jq -c '.tenant = "hausblick"' | weir-auth | weir-event dmarc -r -R . | weir-event tlsrpt -r -R . >records || [ $? = 65 ]
	fits <records
	[ "$(jq -r '.dmarc_reports[]?, .tls_reports[]? | .state' records | sort | paste -sd' ')" = 'known new refused' ]
	weir-event list --json hausblick >list
	fits <list
	weir-ls events --json hausblick >events
	fits <events
	[ "$(jq -r .type events | sort -u | paste -sd' ')" = 'dmarc-report report-receipt tls-report' ]
	for by in source from org day signature; do weir-event dmarc --table hausblick --by $by --unproven --json | fits; done
	for by in result mx; do weir-event tlsrpt --table hausblick --by $by --unproven --json | fits; done
	for kind in plain long latin utf16 terminal sub other; do
		/usr/bin/python3 "$TOP/tests/reports.py" $kind | weir-event dmarc --report --json | fits
	done
}

@test "the schema refuses what is none: unknown keys in our objects, two reasons to stop, no version" {
	cd "$BATS_FILE_TMPDIR"
	head -1 store >one
	fits <one
	jq -c '.mine = {"any": 1}' one | fits
	for change in '.message.mine = 1' '.weir = 2' 'del(.weir)' 'del(.id)' '.scan.verdict = "ok"' '.parts[0].range = [1]' \
			'.defects = [{"name":"no_such_defect"}]' '.id = "abc"' '.message.subject = null' '.auth.spf.result = "PASS"' \
			'.hold = {"by":"a","reason":"b","detail":"c"} | .quarantine = .hold'; do
		if jq -c "$change" one | fits >/dev/null; then
			echo "accepted: $change"
			false
		fi
	done
}

@test "weir-record(5) names every key, every defect and every reason to stop" {
	page=$(mandoc -T utf8 "$TOP/man/weir-record.5" | col -bx)
	jq -r '."$defs" | .record, .message, .part, .scan, .entity_message, .entity_thread, .entity_attachment | .properties | keys[]' \
		"$TOP/man/weir-record.schema.json" >words
	jq -r '."$defs" | .defect_name.enum[], .unscanned_reason.enum[], .part.properties.kind.enum[]' "$TOP/man/weir-record.schema.json" >>words
	# A defect's word in the table of the parser, a reason where a record is stopped.
	sed -n 's/^\t{ "\([a-z0-9_]*\)", ".*/\1/p' "$TOP/lib/defect.c" >>words
	cat "$TOP"/src/*.c "$TOP"/lib/*.c | tr -s ' \n\t' '   ' |
		grep -oE 'rec_(hold|quarantine)\([^"();]*("[a-z-]*"|PROG), "[a-z_]+"' | grep -oE '[a-z_]+"$' | tr -d '"' >>words
	[ "$(sort -u words | wc -l)" -gt 120 ]
	sort -u words | while read -r word; do
		grep -qw -- "$word" <<<"$page" || { echo "not in the page: $word"; exit 1; }
	done
}
