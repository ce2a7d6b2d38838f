load common

make_report() { /usr/bin/python3 "$TOP/tests/reports.py" "$1"; }

# A tenant with a domain, and another one.
tenants() {
	weir-tenant add acme
	weir-domain add acme acme.example
	weir-domain --any add acme acme.example 2>/dev/null || true
	weir-tenant add globex
	weir-domain add globex globex.example
}

# Records of the mails FILE..., as they come out of weir-route for acme; DMARC=... says what weir-auth found.
records() {
	weir-parse "$@" | jq -c --arg d "${DMARC:-pass}" '.tenant = "acme" | .recipients = [{"rcpt": "dmarc@acme.example", "address": "dmarc@acme.example", "inbox": "x", "match": "exact"}] |
		.auth = {"source": "test", "spf": {"result": "none"}, "dkim": {"result": "none"}, "dmarc": {"result": $d}}'
}

# ---- reading ----

@test "both forms of a DMARC report, from a mail and from a file, plain, as gzip and as ZIP" {
	weir-event dmarc "$SAMPLES/reports/mail/dmarc.eml" >mail
	weir-event dmarc --report "$SAMPLES/reports/rfc9990.xml" >file
	cmp mail file
	[ "$(sed -n 1p file)" = $'412\t412\t412\t412\t0\t192.0.2.10' ]
	[ "$(sed -n 3p file)" = $'9\t0\t0\t0\t9\t203.0.113.66' ]
	[ "$(weir-event dmarc --report --json "$SAMPLES"/reports/rfc*.xml | jq -r .form | paste -sd' ')" = 'rfc7489 rfc9990' ]
	for kind in gz gz2 zip; do
		make_report "$kind" >"$kind"
		weir-event dmarc --report --json "$kind" >"$kind.json"
	done
	make_report plain | weir-event dmarc --report --json >plain.json
	cmp gz.json plain.json
	cmp gz2.json plain.json
	cmp zip.json plain.json
	weir-event dmarc <"$SAMPLES/reports/mail/dmarc.eml" | cmp - mail
	(cd "$SAMPLES/reports" && zip -q "$BATS_TEST_TMPDIR/r.zip" rfc9990.xml && gzip -c rfc9990.xml >"$BATS_TEST_TMPDIR/r.xml.gz")
	for f in r.zip r.xml.gz; do weir-event dmarc --report "$f" | cmp - file; done
}

@test "every field of a report is in its entity" {
	weir-event dmarc --report --json "$SAMPLES/reports/rfc9990.xml" >got
	jq -e '.type == "dmarc-report" and .time == "2026-11-17T00:00:00Z" and .domain == "post.hausblick.example" and .org == "Fernpost"
		and .report_id == "20261117.7731@fernpost.example" and .end - .begin == 86399 and .form == "rfc9990" and .version == "1.0"
		and .email == "dmarc@fernpost.example" and .generator == "fernpost-reports 3.1"
		and .policy == {"p":"quarantine","sp":"quarantine","np":"reject","adkim":"r","aspf":"r","testing":"n","discovery_method":"treewalk"}
		and .messages == 458 and .passed == 449 and .failed == 9 and .dispositions == {"pass":449,"quarantine":9} and .ignored == 1' got
	jq -e '.rows[] | select(.source_ip == "2001:db8::25") | .reasons == [{"type":"mailing_list","comment":"known list"}] and .count == 37
		and .disposition == "pass" and .dkim == "pass" and .spf == "fail" and .envelope_from == "liste.example"
		and .auth.spf == [{"domain":"liste.example","scope":"mfrom","result":"pass"}]' got
}

@test "an Ed25519 signature that fails beside one of the same domain that passes is no failure" {
	weir-event dmarc --report --json "$SAMPLES/reports/rfc9990.xml" >got
	[ "$(jq -c '[.rows[].auth.dkim[] | select(.selector == "weir2") | [.result, .beside_pass]]' got)" = '[["permerror",true],["fail",true]]' ]
	[ "$(jq '[.rows[].auth.dkim[] | select(.selector == "weir1") | .beside_pass] | all(. == null)' got)" = true ]
	weir-event dmarc --report --by signature "$SAMPLES/reports/rfc9990.xml" >sums
	grep -qx $'449\t449\t0\t0\tweir1._domainkey.post.hausblick.example' sums
	grep -qx $'449\t0\t449\t0\tweir2._domainkey.post.hausblick.example' sums
}

@test "TLS reports, from a mail and from a file" {
	weir-event tlsrpt "$SAMPLES/reports/mail/tls.eml" >mail
	weir-event tlsrpt --report "$SAMPLES/reports/tls.json" | cmp - mail
	[ "$(cat mail)" = $'1240\t0\tsuccess\n11\t11\tcertificate-expired\n1\t1\tsts-policy-fetch-error' ]
	weir-event tlsrpt --report --json <"$SAMPLES/reports/tls.json" | jq -e '.domain == "post.hausblick.example" and .succeeded == 1240 and .failed == 12 and .org == "Fernpost"
		and .policies[0].failures[0].sending_mta_ip == "2001:db8::9" and .policies[0].failures[1].failure_reason_code == "HTTP 503"'
	[ "$(weir-event tlsrpt --by mx "$SAMPLES/reports/mail/tls.eml" | tail -2 | paste -sd'|')" = $'11\t11\tmx1.plattform.example|1\t1\t(not told)' ]
}

@test "nothing is guessed: a report is no mail, a mail no report, XML no TLS report" {
	run -65 --separate-stderr weir-event dmarc "$SAMPLES/reports/rfc9990.xml"
	[ -z "$output" ]
	[[ $stderr == *rfc9990.xml*"say --report"* ]]
	run -65 --separate-stderr weir-event dmarc --report "$SAMPLES/reports/mail/dmarc.eml"
	run -65 --separate-stderr weir-event tlsrpt --report "$SAMPLES/reports/rfc9990.xml"
	run -65 --separate-stderr weir-event dmarc --report "$SAMPLES/reports/tls.json"
	run -65 --separate-stderr weir-event dmarc --report /dev/null
	[[ $stderr == *empty* ]]
	run -65 --separate-stderr weir-event dmarc /dev/null
}

@test "more files than may be open at a time are read, and what a shell pipes into <(...)" {
	for i in {1..80}; do ln -s "$SAMPLES/reports/rfc9990.xml" "$i.xml"; done
	[ "$(ulimit -n 64; weir-event dmarc --report --json ./*.xml | wc -l)" = 80 ]
	weir-event dmarc --report --json <(cat 1.xml) | cmp - <(weir-event dmarc --report --json 1.xml)
}

@test "one file that is none does not stop the others" {
	make_report plain >plain
	run -65 --separate-stderr weir-event dmarc --report --json plain missing "$SAMPLES/reports/tls.json" plain
	[ "$(jq -s length <<<"$output")" = 2 ]
	[[ $stderr == *missing* && $stderr == *tls.json* ]]
}

@test "failure reports are recognised and named as not read" {
	make_report mailarf >m
	run -65 --separate-stderr weir-event dmarc m
	[[ $stderr == *"failure report (RFC 9991)"* ]]
	tenants
	records m | weir-event dmarc -r -R . >out
	[ "$(jq -c '.dmarc_reports | map([.state, .why])' out)" = '[["refused","unsupported"]]' ]
}

# ---- whose it is ----

@test "a report is stored with the tenant that has its domain, exactly or above it, and with nobody else" {
	tenants
	for kind in plain sub; do make_report "$kind" | weir-event dmarc --report --tenant acme --json | jq -e '.stored == "new"'; done
	for kind in other parent lookalike; do
		make_report "$kind" >$kind
		run -65 --separate-stderr weir-event dmarc --report --tenant acme "$kind"
		[[ $stderr == *"no domain of acme"* ]]
	done
	[ "$(weir-event list acme | cut -f6 | sort | paste -sd' ')" = 'acme.example sub.acme.example' ]
	[ -z "$(weir-event list globex)" ]
}

@test "from a pipeline it must be the record's tenant, too; what is refused is marked and stored nowhere" {
	tenants
	make_report mail >good
	make_report mailother >foreign
	make_report mailbad >bad
	make_report mailplain >none
	records good foreign bad none >in
	run -65 --separate-stderr sh 'weir-event dmarc -r -R . <in'
	printf '%s\n' "$output" >out
	[ "$(jq -c '[.dmarc_reports[]? | [.state, .why]]' out | paste -sd' ')" = '[["new",null]] [["refused","foreign"]] [["refused","unusable"]] []' ]
	jq -e 'has("dmarc_reports") | not' <(tail -1 out)
	[ "$(tail -1 out)" = "$(tail -1 in)" ]
	[ "$(weir-event list acme | wc -l)" = 1 ]
	[ -z "$(weir-ls events globex)" ]
	[ "$(weir-ls events acme | wc -l)" = 2 ]	# the report and its receipt
	jq -c 'del(.tenant)' in | head -1 >homeless
	run -65 --separate-stderr sh 'weir-event dmarc -r -R . <homeless'
	[ "$(jq -r '.dmarc_reports[0].detail' <<<"$output")" = 'the record has no tenant (weir-route adds it): nothing is stored' ]
}

@test "ordinary mail goes through, its attachments are none of our business" {
	tenants
	make_report mailzip >m
	records m >in
	weir-event dmarc -r -R . <in | cmp - in
	weir-event tlsrpt -r -R . <in | cmp - in
	run -65 --separate-stderr weir-event dmarc m	# but alone it was meant to be one
	[[ $stderr == *"no report is attached"* ]]
}

@test "stopped records, and those that have been here, pass untouched" {
	tenants
	make_report mail >m
	records m | jq -c '.hold = {"by":"x","reason":"y","detail":"z"}' >in
	weir-event dmarc -r -R . <in | cmp - in
	records m | weir-event dmarc -r -R . >once
	weir-event dmarc -r -R . <once | cmp - once
}

@test "a message outside of the given folders, or one that changed, is held and not read" {
	tenants
	mkdir in elsewhere
	make_report mail >elsewhere/m
	records elsewhere/m >rec
	run -74 --separate-stderr sh 'weir-event dmarc -r -R in <rec'
	[ "$(jq -r .hold.by <<<"$output")" = weir-event ]
	echo more >>elsewhere/m
	run -75 --separate-stderr sh 'weir-event dmarc -r -R elsewhere <rec'
	[ -z "$(weir-ls events acme)" ]
}

# ---- once, and what speaks for it ----

@test "a report that comes twice, by whatever way, is one; each time is kept" {
	tenants
	make_report plain | weir-event dmarc --report --tenant acme --json | jq -e '.stored == "new"'
	make_report gz | weir-event dmarc --report --tenant acme --json | jq -e '.stored == "known"'
	make_report mail >m
	records m | weir-event dmarc -r -R . | jq -e '.dmarc_reports[0].state == "known"'
	[ "$(weir-event dmarc --table acme --json | jq .messages)" = 1 ]
	[ "$(weir-event list acme | wc -l)" = 1 ]
	weir-event list --json acme | jq -e '.receipts == 2 and .proof == "file"'
}

@test "the store is a function of the set of reports, whatever their order" {
	make_report mail >m
	make_report plain >p
	make_report differs >d
	make_report sub >s
	n=0
	for order in 'm p d s' 's d p m' 'd m s p'; do
		export WEIR_HOME=$PWD/home.$((n += 1))
		tenants
		for f in $order; do
			if [ $f = m ]; then records m | weir-event dmarc -r -R . >/dev/null; else weir-event dmarc --report --tenant acme $f >/dev/null; fi
		done
		weir-fsck acme
		weir-fsck --digest acme >>digests
		weir-event list acme --json >list.$n
		cmp list.1 list.$n
		weir-fsck --rebuild acme
		weir-fsck --digest acme >>digests
	done
	[ "$(cut -f2- digests | sort -u | wc -l)" = 1 ]
}

@test "mail that did not pass DMARC proves nothing: its reports are kept, counted only on request, and never displace others" {
	tenants
	make_report differs >d
	/usr/bin/python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import reports, gzip
sys.stdout.buffer.write(reports.mail(gzip.compress(open("d", "rb").read())))' "$TOP/tests" >forged
	DMARC=fail records forged | weir-event dmarc -r -R . | jq -e '.dmarc_reports[0].proof == "fail"'
	run -0 --separate-stderr weir-event dmarc --table acme
	[ "${#lines[@]}" = 1 ]
	[[ $stderr == *"1 reports left out"*--unproven* ]]
	[ "$(weir-event dmarc --table acme --unproven --json | jq .messages)" = 1000 ]
	weir-event list --json acme | jq -e '.proof == "fail" and .receipt.from == "fernpost.example" and .receipt.auth.dmarc.result == "fail"'
	make_report mail >genuine
	DMARC=pass records genuine | weir-event dmarc -r -R . >/dev/null
	run -0 --separate-stderr weir-event dmarc --table acme --json
	[ "$(jq .messages <<<"$output")" = 1 ]
	[ -z "$stderr" ]
	weir-event list --json acme | jq -e '.proof == "pass" and .conflict'
	weir-event list acme | grep -q $'\tpass!\t'
}

@test "from the mail to the sums: weir-auth judges who sent the report, and that is its proof" {
	"$SAMPLES/setup"
	cp "$SAMPLES"/reports/mail/*.eml .
	sed 's/^From: Fernpost/From: Fernp0st/' dmarc.eml >forged.eml
	take() {
		weir-parse "$1" | weir-route --tenant hausblick --address dmarc@post.hausblick.example |
			weir-auth -R . --dns "$SAMPLES/reports/dns.zone" | weir-event dmarc -r -R . | weir-event tlsrpt -r -R .
	}
	[ "$(take forged.eml | jq -c '[.dmarc_reports[0] | .state, .proof]')" = '["new","unchecked"]' ]	# SPF is not known: it could have passed
	[ -z "$(weir-event dmarc --table hausblick --json 2>err)" ]
	grep -q 'left out' err
	[ "$(take dmarc.eml | jq -c '[.dmarc_reports[0] | .state, .proof]')" = '["known","pass"]' ]
	[ "$(take tls.eml | jq -c '[.tls_reports[0] | .state, .proof]')" = '["new","pass"]' ]
	[ "$(weir-event dmarc --table hausblick --json | jq -s 'map(.messages) | add')" = 458 ]
	weir-event list --json --type dmarc-report hausblick | jq -e '.receipts == 2 and .receipt.auth.dkim.result == "pass" and .receipt.from == "fernpost.example" and .conflict == null'
}

# ---- sums ----

@test "--since, --before and --domain select by the begin of the period and by domain" {
	tenants
	for kind in plain sub; do make_report "$kind" | weir-event dmarc --report --tenant acme >/dev/null; done
	total() { weir-event dmarc --table acme --json "$@" | jq -s 'map(.messages) | add // 0'; }
	[ "$(total)" = 2 ]
	[ "$(total --since 2026-11-17)" = 2 ]
	[ "$(total --since 2026-11-17T00:00:01Z)" = 0 ]
	[ "$(total --before 2026-11-17)" = 0 ]
	[ "$(total --before 2026-11-17T00:00:01Z)" = 2 ]
	[ "$(total --domain sub.acme.example)" = 1 ]
	[ "$(total --domain ACME.example.)" = 2 ]
	[ "$(total --domain cme.example)" = 0 ]
	run -64 --separate-stderr weir-event dmarc --table acme --domain 'no domain'
}

@test "every way to add up has the same total" {
	"$SAMPLES/setup"
	weir-event dmarc --report --tenant hausblick "$SAMPLES"/reports/*.xml >/dev/null
	for by in source from org day; do
		[ "$(weir-event dmarc --table hausblick --by $by --json | jq -s 'map(.messages) | add')" = 519 ]
		[ "$(weir-event dmarc --table hausblick --by $by --json | jq -s 'map(.passed) | add')" = 507 ]
	done
	[ "$(weir-event dmarc --table hausblick --by org | tail -2 | awk '{ print $NF }' | paste -sd' ')" = 'Fernpost altpost.example' ]
	run -64 --separate-stderr weir-event dmarc --table hausblick --by mx
	[[ $stderr == *signature* ]]
}

# ---- hostile ----

@test "what explodes is refused in little memory and time: entities, bombs, depth" {
	for kind in laughs external bomb zipbomb zip2 deep nul names attributes spaces; do
		make_report "$kind" >"$kind"
		run -65 --separate-stderr bash -c 'ulimit -t 20; [ -n "${WEIR_ASAN-}" ] || ulimit -v 400000; exec weir-event dmarc --report --json "$1"' _ "$kind"
		[ -z "$output" ]
		[[ $stderr == "weir-event: $kind: "* ]] || { echo "$kind: $stderr"; false; }
	done
	run -65 --separate-stderr weir-event dmarc --report external
	[[ $stderr == *DOCTYPE* && $stderr != *"$(cat /etc/hostname)"* ]]
}

@test "a report of very many rows keeps the first ones and adds up the rest" {
	make_report long >long
	weir-event dmarc --report --json long >got
	jq -e '.messages == 30000 and (.rows | length) + .rest.rows == 30000 and (.rows | length) <= 10000 and .rest.messages == .rest.rows' got
	[ "$(wc -c <got)" -lt 4194304 ]
	[ "$(weir-event dmarc --report long | awk '{ n += $1 } END { print n }')" = 30000 ]
	tenants
	weir-event dmarc --report --tenant acme long >/dev/null
	weir-fsck acme
	[ "$(weir-event dmarc --table acme --json | jq -s 'map(.messages) | add')" = 30000 ]
}

@test "a million records are too many" {
	make_report million >million
	run -65 --separate-stderr bash -c 'ulimit -t 60; exec weir-event dmarc --report million'
	[[ $stderr == *"500000 records"* ]]
}

@test "charsets: what it says, Windows-1252 where it says UTF-8 and is not, never a wrong byte" {
	make_report latin >latin
	weir-event dmarc --report --json latin | jq -e '.org == "König" and (.defects | contains(["charset"]))'
	make_report utf16 >utf16
	weir-event dmarc --report --json utf16 | jq -e '.org == "König" and .defects == null'
}

@test "control characters and direction marks of a report never reach a terminal" {
	tenants
	make_report terminal | weir-event dmarc --report --tenant acme >out
	for by in source org signature; do weir-event dmarc --table acme --by $by; done >>out
	weir-event list acme >>out
	weir-event list acme --table >>out
	[ "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae' out)" = 0 ]
	[ "$(weir-event list acme | awk -F'\t' '{ print NF }')" = 8 ]
}

@test "of many reports in one mail ten are read, and it is said that there are more" {
	make_report manyparts >m
	run -65 --separate-stderr weir-event dmarc --json m
	[ "${#lines[@]}" = 10 ]
	[[ $stderr == *"more than 10 reports"* ]]
}

@test "what writes to the store leaves nothing of a mail whose storing failed" {
	tenants
	make_report mail >m
	records m >in
	weir-fsck --digest acme >before
	run --separate-stderr bash -c 'ulimit -f 0; trap "" XFSZ; weir-event dmarc -r -R . <in'
	[ "$status" = 74 ] || [ "$status" = 75 ]
	weir-fsck --digest acme | cmp - before
}

# ---- usage ----

@test "options that do not belong together are refused, not ignored" {
	for args in 'dmarc -R .' 'dmarc -r --tenant x' 'dmarc -r --json' 'dmarc -r --report' 'dmarc -r --table acme' 'dmarc --since 7d' 'dmarc --unproven' \
			'list' 'list a b' 'list --by source a' 'list -r a' 'dmarc --table a b' 'dmarc --type x' 'tlsrpt --by source' 'bounces' 'list --since never a'; do
		# shellcheck disable=SC2086
		run -64 --separate-stderr weir-event $args </dev/null
		[[ $stderr == *usage* ]]
	done
}

# ---- what other projects have collected ----

@test "parsedmarc's samples: what is a report is read, what is none is refused" {
	s=$WEIR_SUITES/dmarc/samples
	[ -d "$s" ] || skip "no suites: set WEIR_SUITES"
	n=0
	while IFS= read -r -d '' f; do
		want=0 kind='dmarc --report'
		case $f in
		*/smtp_tls/*.eml) kind=tlsrpt ;;
		*/smtp_tls/*) kind='tlsrpt --report' ;;
		*/failure/*) kind=dmarc want=65 ;;
		*.eml) kind=dmarc ;;
		# Not well-formed at all; and a header_from that is no domain in the only record.
		*/invalid_xml.xml | */invalid_utf_8.xml | */empty.xml) want=65 ;;
		esac
		got=0
		# shellcheck disable=SC2086
		weir-event $kind --json "$f" >out 2>err || got=$?
		[ "$got" = $want ] || { echo "$f: $got"; cat err; false; }
		[ $want != 0 ] || jq -e '.weir == 1 and (.messages // .succeeded) >= 0' out >/dev/null
		n=$((n + 1))
	done < <(find "$s" -type f ! -name '*.py' -print0)
	[ "$n" -ge 25 ]
}

@test "the suite's reports say what its expected results say, field by field" {
	s=$WEIR_SUITES/dkim
	[ -d "$s/dmarc-feedback" ] || skip "no suites: set WEIR_SUITES"
	/usr/bin/python3 "$TOP/tests/suite-reports.py" "$s"
}
