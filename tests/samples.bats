load common

setup_file() {	# all of samples/spool, ingested once; tests only read
	export WEIR_HOME=$BATS_FILE_TMPDIR/home SPOOL=$BATS_FILE_TMPDIR/spool
	load common
	cp -r "$SAMPLES/spool" "$SPOOL"
	"$SAMPLES/setup"
	weir ingest --db "$SAMPLES/signatures" --dns "$SAMPLES/dns.zone" --summary "$SPOOL" 2>"$BATS_FILE_TMPDIR/summary" || [ $? = 75 ]
}

setup() { export WEIR_HOME=$BATS_FILE_TMPDIR/home; cd "$BATS_TEST_TMPDIR" || return; }

tenants='stadtwerk hausblick brueckner'
all() { for t in $tenants; do weir-ls messages "$t" --json; done; }
id_of() { awk -F'\t' -v k="$1" '$5 == k { print $2 }' "$SAMPLES/CONTENTS"; }
delivered() { all | jq -r .id | sort; }

@test "at least 60 messages, for three tenants, with a line on each one's point" {
	[ "$(grep -vc '^#' "$SAMPLES/CONTENTS")" -ge 60 ]
	[ -z "$(awk -F'\t' '!/^#/ && NF != 6' "$SAMPLES/CONTENTS")" ]
	for t in $tenants; do [ "$(weir-ls messages "$t" --json | wc -l)" -ge 10 ]; done
}

@test "every message of the story reached the tenants its envelope names, and nobody else" {
	awk -F'\t' '!/^#/ && $3 != "noobject" && $5 != "lost" && $5 != "flat3" { print $2, tolower($4) }' "$SAMPLES/CONTENTS" |
	while read -r sid to; do
		for t in $tenants; do
			case $t in stadtwerk) d=stadtwerke ;; hausblick) d=hausblick ;; *) d=br ;; esac
			want=0; grep -qE "@(xn--)?$d" <<<"$to" && want=1
			got=$(weir-ls messages "$t" --json | jq -c --arg s "$sid" 'select(any(.deliveries[]; (.spool // "") | contains($s)))' | wc -l)
			[ "$got" -ge "$want" ] && [ "$((got > 0))" = "$want" ] || { echo "$sid ($to): $got in $t"; exit 1; }
		done
	done
}

@test "the heating thread has its eight messages at the property manager, whatever order they came in" {
	weir-ls threads hausblick --json | jq -se 'map(select(.subject | test("Heizung kalt"))) | length == 1 and .[0].messages == 8' >/dev/null
	[ "$(weir-ls messages hausblick --json | jq -r 'select((.message.subject // "") | test("Heizung kalt|Angebot 2026-118|Rechnung 2026-203|heute 14 Uhr")) | .thread' | sort -u | wc -l)" = 1 ]
}

@test "EICAR is in no store, its stubs and the rest of the messages are" {
	for k in virus1 virus2 virus3; do grep -rq "$(id_of $k)" "$SPOOL/.weir/done" || ls "$SPOOL/.weir/done" | grep -q "$(id_of $k)"; done
	[ "$(all | jq -c 'select(any(.attachments[]?; .removed))' | wc -l)" = 3 ]
	for t in $tenants; do
		! grep -rq 'EICAR-STANDARD-ANTIVIRUS' "$WEIR_HOME/tenants/$t/" || { echo "EICAR in $t"; false; }
	done
	clean=$(weir-ls messages stadtwerk --json | jq -r 'select(.message.subject == "Ihre Sendung") | .attachments[].filename' | sort | paste -sd,)
	[ "$clean" = hinweis.pdf,sendung.pdf.exe ]
}

@test "what cannot be opened and what is nobody's is held, with the reason" {
	jq -e '.reason == "unscanned" and (.detail | test("encrypted"))' "$SPOOL"/.weir/hold/*"$(id_of flat3)"*.why.json
	[ "$(jq -r .reason "$SPOOL"/.weir/hold/*"$(id_of lost)"*.why.json)" = unroutable ]
	[ "$(all | jq -r .message.subject | grep -c 'Wer liest das')" = 0 ]
}

@test "German and Japanese arrive readable, whatever charset they came in" {
	all | jq -r '.message.subject // ""' >subjects
	for s in 'スマートメーター納入について' '【重要】校正証明書' 'Heizung kalt, Lindenstraße 12, 3. OG' 'Störung im Kühlkreis' 'Heizung für Kita'; do
		grep -qF "$s" subjects || { echo "no $s"; false; }
	done
	all | jq -r '.attachments[]?.filename // empty' >names
	for s in 仕様書_スマートメーター_改訂版.pdf 証明書.xlsx Schlüsselübergabe.docx 'Angebot 2026-118 für Hausblick.pdf'; do
		grep -qxF "$s" names || { echo "no $s"; false; }
	done
}

@test "the logo that is in each of the manager's mails is one blob per tenant" {
	for t in stadtwerk brueckner; do
		[ "$(weir-ls attachments "$t" --json | jq -r 'select(.filename == "logo.png") | .sha256' | sort | uniq -c | wc -l)" = 1 ]
		[ "$(weir-ls attachments "$t" --json | jq -r 'select(.filename == "logo.png") | .message' | sort -u | wc -l)" -ge 2 ]
	done
}

@test "ingesting the same spool again changes nothing" {
	cp -r "$WEIR_HOME" home
	export WEIR_HOME=$PWD/home
	for t in $tenants; do weir-fsck --digest "$t"; done >before
	cp -r "$SAMPLES/spool" again
	weir ingest --db "$SAMPLES/signatures" --dns "$SAMPLES/dns.zone" again || [ $? = 75 ]
	for t in $tenants; do weir-fsck --digest "$t"; done >after
	cmp before after
}

# who KEY: what was stored of that message's authentication.
auth_of() { all | jq -c --arg s "$(id_of "$1")" '.deliveries[] | select((.spool // "") | contains($s)) | .auth' | head -1; }

@test "SPF, DKIM and DMARC of the story, checked against the senders' DNS" {
	while read -r key spf dkim dmarc; do
		got=$(auth_of "$key" | jq -r '[.source, .spf.result, .dkim.result, .dmarc.result] | join(" ")')
		[ "$got" = "weir $spf $dkim $dmarc" ] || { echo "$key: $got instead of $spf $dkim $dmarc"; false; }
	done <<-'END'
		heat1 pass pass pass
		heat2 pass pass pass
		heat3 pass pass pass
		heat4 pass pass pass
		heat10 pass pass pass
		keiki1 pass pass pass
		keiki3 pass pass pass
		price pass pass pass
		umlaut pass pass pass
		news0 pass pass pass
		night1 pass none pass
		virus3 pass none pass
		tnef pass fail pass
		fax pass permerror pass
		dsn pass none none
		alarm1 temperror none none
		nobound none none none
		notmail none none permerror
		read4 softfail none fail
		virus2 softfail none none
		virus1 fail none fail
		phish fail none fail
	END
}

@test "what DMARC asks for is stored with its grounds" {
	auth_of virus1 | jq -e '.dmarc | .policy == "reject" and .domain == "paket-info.example" and (.reason | test("p=reject"))'
	auth_of phish | jq -e '.dmarc.policy == "quarantine"'
	auth_of read4 | jq -e '.dmarc.policy == "none"'
	auth_of news0 | jq -e '.dkim.signatures | map(.result + " " + .domain) == ["pass versand.example", "pass fernwaerme.example"]'
	auth_of heat2 | jq -e '.dkim.signatures | map(.algorithm) == ["ed25519-sha256", "rsa-sha256"]'
	auth_of price | jq -e '.dkim.signatures[0].flags == ["weak_key"]'
}

@test "SES's verdicts stand beside ours, and the six messages in which they differ say so" {
	all | jq -r '.deliveries[] | select(.auth.differs) | [(.spool | split("/")[-1]), (.auth.differs | join(","))] | @tsv' | sort -u >got
	while read -r key what; do
		grep "$(id_of "$key")" got | grep -qw "$what" || { echo "$key does not say that $what differs"; cat got; false; }
	done <<-'END'
		alarm0 spf
		alarm1 spf
		alarm2 spf
		keiki3 spf
		fax dkim
		notmail dmarc
	END
	[ "$(cut -f1 got | wc -l)" = 6 ]
	auth_of alarm0 | jq -e '.spf.result == "temperror" and .spool.spf.result == "pass"'
	auth_of keiki3 | jq -e '.spf.result == "pass" and .spool.spf.result == "temperror"'
	auth_of fax | jq -e '.dkim.result == "permerror" and .spool.dkim.result == "pass"'
}

@test "the setup notification and the test event are no messages" {
	! all | jq -r '.message.subject // ""' | grep -q 'SES Setup'
	[ ! -e "$SPOOL/.weir/quarantine" ] || ! ls "$SPOOL/.weir/quarantine" | grep -q SETUP
}

@test "each hostile sample gets the verdict that its README gives it, in one run without a crash" {
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	weir-spool list "$SAMPLES/hostile" | weir-parse -r -R "$SAMPLES/hostile" | weir-route --tenant t |
		weir-extract -R "$SAMPLES/hostile" | weir-scan -R "$SAMPLES/hostile" --db "$SAMPLES/signatures" >out
	jq -r '(.raw.path | split("/")[-1]) + " " + (.quarantine.reason // .scan.verdict // "none")' out >got
	while read -r file want _; do
		[[ $file == *.eml && $want != any ]] || continue
		verdict=$(awk -v f="$file" '$1 == f { print $2 }' got)
		[[ "|$want|" == *"|$verdict|"* ]] || echo "$file: ${verdict:-nothing} instead of $want"
	done <"$SAMPLES/hostile/README" >wrong
	cat wrong
	[ ! -s wrong ]
	# Each file but the empty one is somewhere in the output: nothing is lost.
	for f in "$SAMPLES"/hostile/*.eml; do
		[ ! -s "$f" ] || grep -q "^$(basename "$f") " got || { echo "lost: $f"; false; }
	done
}

@test "the big hostile messages end in a verdict each, within limits" {
	[ -n "${WEIR_LARGE:-}" ] && dir=$WEIR_LARGE || { dir=$PWD/large; "$SAMPLES/hostile/make-large" "$dir" >table; }
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	weir-spool list "$dir" | weir-parse -r -R "$dir" >out || [ $? = 65 ]
	[ "$(wc -l <out)" = "$(find "$dir" -name '*.eml' | wc -l)" ]
}

@test "the samples are as make-spool, make-hostile and make-reports make them" {
	cp -r "$SAMPLES" s && cd s
	rm -rf spool reports && ./make-spool >/dev/null && ./make-hostile && ./make-reports
	diff -r "$SAMPLES/spool" spool --exclude=.weir && diff "$SAMPLES/CONTENTS" CONTENTS
	diff -r "$SAMPLES/hostile" hostile
	diff -r "$SAMPLES/reports" reports
}
