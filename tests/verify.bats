load common
load dns
load verify

# weir-domain verify, plan, history and weir verify-domains, against NSD and a responder that misbehaves.

teardown() { dns_stop; }

# ---- the records of a self-managed domain ----

@test "a self-managed domain: 8 records printed, loaded into NSD, verified" {
	self_managed $D
	records $D >rr
	[ "$(wc -l <rr)" = 8 ]
	zone acme.example <rr
	nsd_start zones
	run -0 verify -e $D
	[[ ${lines[0]} == "$D (acme): success"* ]]
	[ "$(grep -c '^  ok  ' <<<"$output")" = 8 ]
}

@test "each of the 8 records removed in turn: verify names just that one, and what to add" {
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	[ "$(state)" = success ]
	for i in 1 2 3 4 5 6 7 8; do
		sed "${i}d" rr | zone acme.example
		nsd_reload
		read -r owner _ _ type _ < <(sed -n "${i}p" rr)
		[ "$(not_well)" = "missing $type ${owner%.}" ] || { echo "$i: $(not_well)"; false; }
		verify --diff | grep '^[-+]' >diff
		[ "$(tr -s ' ' <diff)" = "+ $(sed -n "${i}p" rr | tr -s ' ')" ] || { cat diff; false; }
	done
	zone acme.example <rr
	nsd_reload
	[ -z "$(verify --diff -e)" ]
}

# ---- a delegated one ----

# Parent at 127.0.0.1, the child's servers at .2 and .3, all on one port; what else there is is known to .1.
delegated() {
	local p
	weir-tenant add acme
	cat >providers.json <<-'END'
	{"own":{"platform":"platform.example","inbound":"mx.platform.example","feedback":"mx.platform.example","spf":"include:spf.platform.example",
	"hostmaster":"hostmaster@platform.example","ns":[{"name":"ns1.post.acme.example"}]}}
	END
	mkdir -p "$WEIR_HOME"
	cp providers.json "$WEIR_HOME/providers.json"
	weir-domain add acme post.acme.example --provider own --delegated --ns ns1.post.acme.example=127.0.0.2 --ns ns2.post.acme.example=127.0.0.3
	weir-domain delegation post.acme.example | sed '/^;/d; /^\$/d; /^$/d' >delegation
	zone acme.example <delegation
	zone platform.example <<-'END'
	mx A 192.0.2.1
	spf TXT "v=spf1 ip4:192.0.2.1 -all"
	END
	mkdir -p child1
	weir-domain zone post.acme.example >child1/post.acme.example.zone
	cp -r child1 child2
	nsd_start zones
	p=$NSD_PORT
	nsd_start child1 child1 127.0.0.2 "$p"
	nsd_start child2 child2 127.0.0.3 "$p"
	DELEGATED=(--resolver "127.0.0.1@$p,post.acme.example=127.0.0.2@$p" --authority-port "$p")
}
verify_child() { weir-domain verify "${DELEGATED[@]}" "$@"; }
child_not_well() {
	verify_child --json | jq -r '.records[] | select(.verdict != "ok") | "\(.verdict) \(.rrtype) \(.owner) \(.at_parent == true)"'
}

@test "a delegated domain is verified through its parent; each NS and each record removed in turn is named, and only it" {
	delegated
	run -0 verify_child -e
	[[ ${lines[0]} == "post.acme.example (acme): success"* ]] || { echo "$output"; false; }
	[ "$(grep -c 'in the parent zone' <<<"$output")" = 4 ]
	for ns in ns1 ns2; do
		grep -v "NS *$ns" delegation | zone acme.example
		nsd_reload
		[ "$(child_not_well)" = "missing NS post.acme.example true" ] || { child_not_well; false; }
	done
	grep -v '^ns2.* A ' delegation | zone acme.example
	nsd_reload
	[ "$(child_not_well)" = "missing A ns2.post.acme.example true" ]
	[[ $(verify_child --json | jq -r '.findings[].code') == missing-glue ]]
	zone acme.example <delegation
	nsd_reload
	grep -nE ' (CNAME|MX|TXT) ' child1/post.acme.example.zone | cut -d: -f1 >numbers
	[ "$(wc -l <numbers)" -ge 8 ]
	cp child1/post.acme.example.zone whole
	while read -r i; do
		sed "${i}d" whole | tee child1/post.acme.example.zone >child2/post.acme.example.zone
		nsd_reload child1
		nsd_reload child2
		read -r owner _ _ type _ < <(sed -n "${i}p" whole)
		[ "$(child_not_well)" = "missing $type ${owner%.} false" ] || { echo "$i: $(child_not_well)"; false; }
	done <numbers
}

@test "without its delegation a domain is not verified, whatever its own servers say" {
	delegated
	zone acme.example </dev/null
	nsd_reload
	run -1 verify_child -e --diff
	[ "$(grep -c '^+ post.acme.example. .* NS ' <<<"$output")" = 2 ]
	[ "$(verify_child --json | jq -r .state)" = pending ]
}

@test "servers of one zone: another version, a lame one, a dead one, one that disagrees; told apart" {
	delegated
	[ -z "$(verify_child --diff -e)" ]
	# ns2 has an old version, in which a record is missing
	sed -i 's/\( IN SOA .*\. \)[0-9]* 7200/\17 7200/; / MX .*/{/^mail/d}' child2/post.acme.example.zone
	nsd_reload child2
	verify_child --json >got
	[ "$(jq -r '.findings[].code' got)" = serial ]
	jq -e '.findings[0].text | contains("ns2.post.acme.example (127.0.0.3) has 7")' got
	[ "$(jq -r '.records[] | select(.verdict != "ok") | .note' got)" != "" ]
	jq -e '.records[] | select(.verdict == "missing") | .note | contains("ns1.post.acme.example (127.0.0.2) has 10 mx.platform.example.")' got
	# it does not know the zone at all
	rm child2/post.acme.example.zone
	nsd_reload child2
	verify_child --json >got
	[ "$(jq -r '.servers[] | select(.name == "ns2.post.acme.example") | .result' got)" = lame ]
	[ "$(jq -r '.findings[].code' got)" = lame ]
	[ "$(jq -r .well got)" = true ]
	# it is not there
	nsd_stop child2
	verify_child --json >got
	[ "$(jq -r '.servers[] | select(.name == "ns2.post.acme.example") | .result' got)" = timeout ]
	# the zone names another one than its parent
	sed '/IN NS *ns2/s/ns2/ns9/' child1/post.acme.example.zone >z && cp z child1/post.acme.example.zone
	nsd_reload child1
	verify_child --json | jq -r '.findings[] | select(.code == "delegation") | .text' >got
	grep -q 'the parent zone names the name server ns2.post.acme.example., the zone itself does not' got
	grep -q 'the zone itself names the name server ns9.post.acme.example., the parent zone does not' got
}

# ---- drift ----

@test "cron: silent when all is well; drift is a zone diff and 1, a warning comes before the state changes" {
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	cron() { weir verify-domains --resolver "127.0.0.1@$NSD_PORT" --authority-port "$NSD_PORT" "$@"; }
	run -0 cron --now 2026-11-01T00:00:00Z
	[ -z "$output" ]
	sed 's/~all/+all/; /tok2/d' rr | zone acme.example
	nsd_reload
	run -1 cron --now 2026-11-02T00:00:00Z
	cat >want <<-'END'
	; service.acme.example (acme), 1 missing, 2 wrong; success: it fails in 72 h unless this is mended
	; missing, vanished: add the record
	+ tok2._domainkey.service.acme.example. 3600 IN CNAME tok2.dkim.amazonses.com.
	; wrong, drifted: replace the record by the expected one
	- mail.service.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com +all"
	+ mail.service.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"
	; wrong, drifted: replace the record by the expected one
	- service.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com +all"
	+ service.acme.example. 3600 IN TXT "v=spf1 include:amazonses.com ~all"
	END
	diff want <(printf '%s\n' "$output")
	# the same again: with --changes nothing is said, and it is still not well
	run -1 cron --changes --now 2026-11-03T00:00:00Z
	[ -z "$output" ]
	run -1 cron --now 2026-11-05T00:00:00Z
	[[ ${lines[0]} == *"; now failed, was success" ]]
	zone acme.example <rr
	nsd_reload
	run -0 cron --now 2026-11-06T00:00:00Z
	[ -z "$output" ]
	run -0 weir-domain history $D
	[ "${lines[0]}" = "2026-11-01T00:00:00Z  success, was not_started" ]
	[ "${lines[1]}" = "2026-11-02T00:00:00Z  success, warning: it fails unless this is mended" ]
	[[ $output == *"2026-11-05T00:00:00Z  failed, was success"* ]]
	[[ $output == *"2026-11-06T00:00:00Z  success, was failed"*"ok (back) CNAME tok2._domainkey"* ]]
	[ "$(weir-domain history $D --since 2026-11-05T12:00:00Z | grep -c ^2026)" = 1 ]
}

@test "what is newly required is told as such" {
	self_managed $D
	records $D | zone acme.example
	nsd_start zones
	[ "$(state)" = success ]
	weir-domain set $D --mail-from bounce
	run -1 verify -e --diff
	[ "$(grep -c '^; missing, newly required: add the record' <<<"$output")" = 2 ]
	[[ $output == *'+ bounce.service.acme.example. '*' IN MX '* ]]
}

@test "a cache that still has the old records is told from the zone that has new ones" {
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	p=$NSD_PORT
	mkdir cache
	sed 's/~all/?all/' zones/acme.example.zone >cache/acme.example.zone
	nsd_start cache cache 127.0.0.2 "$p"
	old() { weir-domain verify --resolver "127.0.0.2@$p" --authority-port "$p" "$@"; }
	# The zone is right, the resolver is late
	run -0 old -e
	[ "$(grep -c 'the resolver still has "v=spf1 include:amazonses.com ?all", for another [0-9]* s at most' <<<"$output")" = 2 ]
	# The zone has drifted, the resolver does not know yet
	cp zones/acme.example.zone cache/acme.example.zone
	nsd_reload cache
	sed '/tok1/d' rr | zone acme.example
	nsd_reload
	run -1 old -e
	[[ $output == *"missing    CNAME  tok1._domainkey"*"the resolver still has tok1.dkim.amazonses.com."* ]]
}

@test "keys rotate behind the customer's records: verify stays success, and the records stay the same" {
	weir-tenant add acme
	mkdir -p home
	cat >home/providers.json <<-'END'
	{"own":{"platform":"platform.example","inbound":"mx.platform.example","feedback":"mx.platform.example","spf":"include:spf.platform.example",
	"hostmaster":"hostmaster@platform.example","ns":[{"name":"ns.dkim.platform.example","addresses":["127.0.0.1"]}]}}
	END
	weir-domain add acme $D --provider own
	records $D >rr
	zone acme.example <rr
	platform() { weir-domain zone --platform >zones/dkim.platform.example.zone; }
	platform
	nsd_start zones
	[ "$(state)" = success ]
	steps=0
	for now in 2100-01-01 2100-01-02 2100-01-03 2100-01-04 2100-02-01; do
		weir-domain rotate $D --resolver "127.0.0.1@$NSD_PORT" --now "${now}T00:00:00Z" >>rotated || [ $? = 75 ]
		platform
		nsd_reload
		[ "$(state --now "${now}T00:00:00Z")" = success ]
		[ -z "$(verify --now "${now}T00:00:00Z" --diff -e)" ]
		records $D | diff rr -
	done
	for word in 'seen in DNS' 'in use' 'taken back'; do grep -q "$word" rotated || { cat rotated; false; }; done
}

@test "DNSSEC: what does not validate is no success, and what does is" {
	self_managed $D
	records $D | zone acme.example
	(
		cd zones
		key=$(ldns-keygen -a ECDSAP256SHA256 -k acme.example)
		ldns-signzone acme.example.zone "$key"
		mv acme.example.zone.signed acme.example.zone
		cp "$key.key" ../anchor
		key=$(ldns-keygen -a ECDSAP256SHA256 -k acme.example)
		cp "$key.key" ../wrong
	)
	nsd_start zones
	signed() { weir-domain verify --dnssec --resolver "127.0.0.1@$NSD_PORT" --authority-port "$NSD_PORT" --json "$@"; }
	[ "$(signed --anchor anchor | jq -r .state)" = success ]
	run -75 signed --anchor wrong
	[ "$(jq -r .state <<<"$output")" = temporary_failure ]
	[ "$(jq -r '.records[].verdict' <<<"$output" | sort -u)" = temperror ]
	[[ $(finding_codes <<<"$output") == *bogus* ]]
}

# ---- when DNS does not work ----

@test "a dead resolver: temperror and 75 in bounded time, for all domains at once; success does not become failed" {
	self_managed a.acme.example b.acme.example c.acme.example
	for d in a b c; do records $d.acme.example; done | zone acme.example
	nsd_start zones
	[ "$(state | sort -u)" = success ]
	nsd_stop
	run -75 timeout 20 weir-domain verify --resolver "127.0.0.1@$NSD_PORT" -e --json
	[ "$(jq -r .state <<<"$output" | sort | uniq -c | tr -s ' ')" = " 3 temporary_failure" ]
	[ "$(jq -r '.records[].verdict' <<<"$output" | sort -u)" = temperror ]
	run -75 timeout 20 weir-domain verify --resolver "127.0.0.1@$NSD_PORT" -e --json --now 2030-01-01
	[ "$(jq -r .state <<<"$output" | sort -u)" = temporary_failure ]
	nsd_start zones nsd 127.0.0.1 "$NSD_PORT"
	[ "$(state --now 2030-01-02 | sort -u)" = success ]
}

@test "SERVFAIL, silence and refusal are temperror, never missing; late answers count" {
	self_managed $D
	for rule in servfail silent refused; do
		responder_start acme.example=$rule
		run -75 timeout 20 weir-domain verify --no-authority --resolver "127.0.0.1@$RESPONDER_PORT" --json
		[ "$(jq -r '.records[].verdict' <<<"$output" | sort | uniq -c | tr -s ' ')" = " 8 temperror" ]
	done
	responder_start acme.example=delay:700
	run -0 weir-domain verify --no-authority --resolver "127.0.0.1@$RESPONDER_PORT" --json
	[ "$(jq -r '.counts.temperror' <<<"$output")" = 0 ]
	responder_start acme.example=nxdomain
	run -0 weir-domain verify --no-authority --resolver "127.0.0.1@$RESPONDER_PORT" --json
	[ "$(jq -r '.counts.missing' <<<"$output")" = 8 ]
}

@test "a name server that cannot be asked is no evidence: the resolver alone decides, and it is said" {
	self_managed $D
	records $D | zone acme.example 127.0.0.9
	nsd_start zones
	verify --json >got
	[ "$(jq -r '.state, .servers[0].result' got | paste -sd ' ')" = "success timeout" ]
	[ "$(finding_codes <got)" = "lame no-authority" ]
	# The zone has the records, but nobody can look them up
	nsd_start zones authority 127.0.0.9 "$NSD_PORT"
	responder_start acme.example=servfail
	run -75 weir-domain verify --resolver "127.0.0.1@$RESPONDER_PORT" --authority "127.0.0.9@$NSD_PORT" --json
	[ "$(jq -r '.records[].verdict' <<<"$output" | sort -u)" = temperror ]
	[[ $(jq -r '.records[0].why' <<<"$output") == "its zone has it, but the recursive path could not look it up"* ]]
}

@test "answers too long for UDP are fetched over TCP, in both views" {
	self_managed $D
	{
		records $D
		for i in {1..40}; do printf '%s. TXT "verification-%d=%s"\n' $D "$i" "$(printf 'x%.0s' {1..200})"; done
	} | zone acme.example
	nsd_start zones
	[ "$(state)" = success ]
	verify --json | jq -e '.servers[0].result == "answer"'
}

@test "a zone cannot send us to addresses of our own network" {
	self_managed $D
	records $D | zone acme.example
	nsd_start zones
	run -0 weir-domain verify --resolver "127.0.0.1@$NSD_PORT" --json
	[ "$(jq -r '.servers[0].result' <<<"$output")" = private ]
	[ "$(finding_codes <<<"$output")" = "lame no-authority" ]
}

# ---- states ----

@test "pending for 72 hours, then failed; only by evidence" {
	self_managed $D
	zone acme.example </dev/null
	nsd_start zones
	[ "$(state --now 2026-11-01T00:00:00Z)" = pending ]
	[ "$(state --now 2026-11-03T23:59:59Z)" = pending ]
	nsd_stop
	[ "$(state --now 2026-11-09T00:00:00Z || true)" = pending ]
	nsd_start zones nsd 127.0.0.1 "$NSD_PORT"
	[ "$(state --now 2026-11-09T00:00:00Z)" = failed ]
	records $D | zone acme.example
	nsd_reload
	[ "$(state --now 2026-11-10T00:00:00Z)" = success ]
}

@test "plan prints the change and keeps nothing; verify -e is silent about it" {
	self_managed $D
	records $D | sed 's/inbound-smtp/elsewhere/' | zone acme.example
	nsd_start zones
	run -0 weir-domain plan --resolver "127.0.0.1@$NSD_PORT" --authority-port "$NSD_PORT" $D
	[[ $output == *"- $D. 3600 IN MX 10 elsewhere.eu-central-1.amazonaws.com."*"+ $D. 3600 IN MX 10 inbound-smtp.eu-central-1.amazonaws.com."* ]]
	[ -z "$(weir-domain history $D)" ]
	[ "$(verify --json | jq -r .state_before)" = not_started ]
}

@test "plan tells what SPF, DKIM and DMARC would say of a message with the proposed records, while nothing is published" {
	weir-tenant add acme
	mkdir -p home
	cat >home/providers.json <<-'END'
	{"own":{"platform":"platform.example","inbound":"mx.platform.example","feedback":"mx.platform.example","spf":"include:spf.platform.example",
	"hostmaster":"hostmaster@platform.example","ns":[{"name":"ns.dkim.platform.example","addresses":["127.0.0.1"]}]}}
	END
	weir-domain add acme $D --provider own --dmarc reject
	weir-domain add acme post.acme.example --provider own --delegated --ns ns1.post.acme.example=127.0.0.1
	echo 'spf.platform.example. TXT "v=spf1 ip4:192.0.2.25 -all"' >world
	for d in $D post.acme.example; do
		run -0 weir-domain plan --dns world $d
		[[ $output == *";   from 192.0.2.25 (its SPF names it): spf pass, dkim pass, dmarc pass"* ]] || { echo "$output"; false; }
		[[ $output == *";   from 203.0.113.77 (anybody): spf softfail, dkim none, dmarc fail, policy "* ]]
	done
	run -0 weir-domain plan --dns world --json $D
	[ "$(jq -c '.simulation[0] | [.spf, .dkim, .dmarc]' <<<"$output")" = '["pass","pass","pass"]' ]
	[ "$(jq -r '.simulation[1].disposition' <<<"$output")" = reject ]
	"${PYTHON:-/usr/bin/python3}" "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" <<<"$output"
	# A message of somebody else's: its From is not the domain's, so nothing of ours stands behind it.
	printf 'From: x@elsewhere.example\r\nSubject: x\r\n\r\nx\r\n' >other.eml
	weir-domain plan --dns world --message other.eml $D | grep -q '^;   from 192.0.2.25 .*: spf pass, dkim none, dmarc none'
	# What cannot be looked up is no verdict.
	echo 'spf.platform.example. TXT SERVFAIL' >world
	weir-domain plan --dns world --authority 127.0.0.1@1 $D >out || [ $? = 75 ]
	grep -q '^;   its SPF names no address that could be looked up' out
	grep -q '^;   from 203.0.113.77 (anybody): spf temperror, dkim none, dmarc temperror' out
	run -65 weir-domain plan --dns world --message missing.eml $D
	[ -z "$(weir-domain history $D)" ]
}

# ---- what people do to records ----

@test "mistakes at a name are named: each with its own words" {
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	while IFS='|' read -r edit verdict words; do
		sed -E "$edit" rr | zone acme.example
		nsd_reload
		verify --json >got
		jq -r '.records[] | select(.verdict != "ok") | "\(.verdict) \(.why)"' got | grep -q "^$verdict .*$words" ||
			{ echo "$edit: $(jq -c '.records[] | select(.verdict != "ok")' got)"; false; }
	done <<-'END'
	/tok1/s/CNAME.*/TXT "v=DKIM1; p=QUJD"/|wrong|flattened
	s/(tok2.*CNAME.*)\.$/\1/|wrong|zone's name was added
	s/tok2(\._domainkey\S*)\. /tok2\1 /|missing|stands at tok2._domainkey.service.acme.example.acme.example
	/^service.*TXT/s/"v=(.*)"/"\\"v=\1\\""/|wrong|quotes or backslashes
	/^service.*TXT/s/include:amazon/include:amazon "  "/|wrong|blanks
	/^service.*TXT/s/(.*) ~all"/\1"/|wrong|cut off
	/^mail.*MX/s/ 10 / 20 /|wrong|preference
	/^_dmarc/s/p=none/p=reject/|wrong|replace
	/^mail.*MX/p; /^mail.*MX/s/10 feedback/20 other/|extra|exactly one MX
	/^service.*TXT/p; /^service.*TXT/s/include:amazonses.com/mx/|extra|two SPF records
	/^_dmarc/p; /^_dmarc/s/none/reject/|extra|none
	/^service.*MX/p; /^service.*MX/s/10 inbound/5 other/|extra|never arrives
	END
}

@test "lint: what stands beside the records that are wanted" {
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	while IFS='|' read -r edit want; do
		sed -E "$edit" rr | zone acme.example
		nsd_reload
		got=" $(codes) "
		[[ $got == *" $want "* ]] || { echo "$edit: $got"; false; }
	done <<-'END'
	/^service.*TXT/p; /^service.*TXT/s/include:amazonses.com/mx/|two-spf
	/^_dmarc/p; /^_dmarc/s/none/reject/|two-dmarc
	/^_dmarc/s/p=none/p=nnoe/|dmarc-discarded
	/^mail.*MX/s/10 .*/10 192.0.2.1./|mx-address
	/^mail.*MX/{p; s/10 .*/20 alias/; p; s/.*/alias CNAME other/}|mx-cname
	/^mail/d; /^_dmarc/s/$/\nmail.service CNAME other/|cname
	$s/$/\n*.service TXT "anything"/|wildcard
	/^service.*TXT/s/include:\S*/a:a1.acme.example a:a2.acme.example a:a3.acme.example a:a4.acme.example a:a5.acme.example a:a6.acme.example a:a7.acme.example a:a8.acme.example a:a9.acme.example a:a10.acme.example a:a11.acme.example/|spf-too-many-lookups
	/^service.*TXT/s/include:\S*/a:gone1.acme.example a:gone2.acme.example a:gone3.acme.example/|spf-too-many-voids
	/^service.*TXT/s/include:/inclde:/|spf-syntax
	/^service.*TXT/s/~all/+all/|spf-pass-all
	/^service.*TXT/s/"v=(.*)"/"\\"v=\1\\""/|quotes
	END
}

@test "JSON of verify and of history fits the schema, whatever was found" {
	fits() { "${PYTHON:-/usr/bin/python3}" "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json"; }
	self_managed $D
	records $D >rr
	zone acme.example <rr
	nsd_start zones
	verify --json >all
	sed '/tok1/d; s/~all/?all/; /^mail.*MX/{p; s/10/20/}; /tok2/s/CNAME.*/TXT "x"/' rr | zone acme.example
	nsd_reload
	verify --json >>all
	nsd_stop
	verify --json >>all || [ $? = 75 ]
	fits <all
	[ "$(jq -r '.records[].verdict' all | sort -u | paste -sd ' ')" = "extra missing ok temperror wrong" ]
	weir-domain history --json $D >events
	[ "$(wc -l <events)" = 3 ]
	fits <events
	weir-ls events --json acme | fits
}

@test "a crowd of records at one name hides nothing of the others" {
	self_managed $D
	{
		records $D | sed '/tok3/d; /^_dmarc/d'
		for i in {1..90}; do printf '%s. MX %d m%d.acme.example.\n%s. TXT "v=spf1 a:b%d.acme.example -all"\n' $D "$i" "$i" $D "$i"; done
	} | zone acme.example
	nsd_start zones
	verify --json >got
	[ "$(jq -r '.records[] | select(.verdict == "missing") | .owner' got | paste -sd ' ')" = "tok3._domainkey.$D _dmarc.$D" ]
	[ "$(jq -r '.counts | .ok, .extra' got | paste -sd ' ')" = "6 40" ]
	[ "$(jq -r '.findings[] | select(.grave) | .code' got | paste -sd ' ')" = two-spf ]
}

@test "what a zone says reaches neither the terminal nor the diff raw" {
	self_managed $D
	records $D | sed -E '/^service.*TXT/s/include:/\\027]0;owned\\007\\255 include:/' | zone acme.example
	nsd_start zones
	verify >page
	verify --diff >>page
	verify --json >>page
	weir-domain history $D >>page
	[ "$(LC_ALL=C tr -cd '\000-\010\013-\037\177' <page | wc -c)" = 0 ]
	grep -q '\\027\]0;owned\\007\\255' page
	iconv -f UTF-8 -t UTF-8 page >/dev/null
}

# ---- the command line ----

@test "usage and unknown domains" {
	self_managed $D
	run -65 --separate-stderr weir-domain verify nix.example
	[[ $stderr == "weir-domain: nix.example: "* ]]
	run -64 weir-domain verify --authority-port 0
	run -64 weir-domain verify --authority-port 65536
	run -64 weir-domain history
	run -64 weir-domain plan
	weir-domain add acme plain.example
	run -65 --separate-stderr weir-domain verify plain.example
	[[ $stderr == *"plain.example: nothing was settled about its DNS"* ]]
	weir verify-domains --help | grep -q '^usage: weir verify-domains'
}
