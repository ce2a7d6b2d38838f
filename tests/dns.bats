load common
load dns

# lib/dns over libunbound, against real and misbehaving name servers. The program is tests/tools/ask.c.
ASK=${WEIR_TOOLS:-$TOP/build/tools}/ask

teardown() { dns_stop; }

ask() { "$ASK" "$@"; }

zone() {
	mkdir -p zones
	{
		printf '$ORIGIN %s.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 120\n@ NS ns\nns A 127.0.0.1\n' "$1"
		cat
	} >"zones/$1.zone"
}

@test "found, no data, no such name: each is an answer of its own, with its TTL" {
	zone a.example <<-'END'
	@ MX 10 mx
	mx A 192.0.2.1
	t TXT "one " "two"
	b.deep A 192.0.2.2
	alias CNAME t
	END
	nsd_start zones
	run -0 ask -r "127.0.0.1@$NSD_PORT" t.a.example TXT t.a.example MX no.a.example TXT deep.a.example A a.example MX alias.a.example TXT T.A.Example. TXT
	grep -Eq '^t.a.example TXT found - 300 t.a.example [0-9]+ "one two"$' <<<"$output"
	grep -Eq '^t.a.example MX nodata - 120 ' <<<"$output"
	grep -Eq '^no.a.example TXT nxdomain - 120 ' <<<"$output"
	grep -Eq '^deep.a.example A nodata ' <<<"$output"
	grep -Eq '^a.example MX found - 300 a.example [0-9]+ 000a026d78016107' <<<"$output"
	grep -Eq '^alias.a.example TXT found - 300 t.a.example ' <<<"$output"
	grep -Eq '^T.A.Example. TXT found - 300 t.a.example ' <<<"$output"
}

@test "what changes in a zone is seen by the next who asks" {
	zone a.example <<<'t TXT "old"'
	nsd_start zones
	ask -r "127.0.0.1@$NSD_PORT" t.a.example TXT | grep -q '"old"$'
	zone a.example <<<'t TXT "new"'
	zone b.example <<<'t TXT "another"'
	nsd_reload
	run -0 ask -r "127.0.0.1@$NSD_PORT" t.a.example TXT t.b.example TXT
	grep -q '"new"$' <<<"$output"
	grep -q '"another"$' <<<"$output"
}

@test "a server that says nothing is a timeout after the time given, and delays no other name" {
	responder_start dead.example=silent
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 1500 a.dead.example TXT x.example TXT b.dead.example TXT y.example A
	[[ ${lines[0]} == ?.example* && ${lines[1]} == ?.example* ]]
	[[ ${lines[2]} == ?.dead.example\ TXT\ timeout* && ${lines[3]} == ?.dead.example\ TXT\ timeout* ]]
	# told in ms: not before its time, and for both at once
	awk '/ found /{if ($7 >= 1500) exit 1} / timeout /{if ($7 < 1500 || $7 >= 3000) exit 1}' <<<"$output"
}

@test "many silent names do not make the resolver shun a server that answers others" {
	local names=() i
	responder_start dead.example=silent
	for ((i = 0; i < 300; i++)); do names+=("n$i.dead.example" TXT); done
	for ((i = 0; i < 300; i++)); do names+=("n$i.example" TXT); done
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 2000 "${names[@]}"
	[ "$(grep -c ' timeout ' <<<"$output")" -eq 300 ]
	[ "$(grep -c ' found ' <<<"$output")" -eq 300 ]
}

@test "one domain with more silent names than may be asked at a time leaves room for the others" {
	local names=() i
	responder_start dead.example=silent
	for ((i = 0; i < 1500; i++)); do names+=("n$i.dead.example" TXT); done
	for ((i = 0; i < 20; i++)); do names+=("t.n$i.example" TXT); done
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 600 "${names[@]}"
	[ "$(head -20 <<<"$output" | grep -c ' found ')" -eq 20 ]
	[ "$(grep -c ' timeout ' <<<"$output")" -eq 1500 ]
}

@test "nobody at all there: timeout or failure, in time" {
	run -0 ask -r "127.0.0.1@$(free_port)" -t 1000 x.example TXT
	[[ $output == *" timeout "* || $output == *" servfail "* ]]
}

@test "SERVFAIL and REFUSED are failures, not absence" {
	responder_start bad.example=servfail no.example=refused none.example=nxdomain junk.example=garbage
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 1500 x.bad.example TXT x.no.example TXT x.none.example TXT x.junk.example TXT
	grep -q '^x.bad.example TXT servfail - 0 .* # ' <<<"$output"
	grep -q '^x.no.example TXT servfail - 0 .* # ' <<<"$output"
	grep -q '^x.none.example TXT nxdomain' <<<"$output"
	grep -Eq '^x.junk.example TXT (servfail|timeout)' <<<"$output"
}

@test "an answer cut short is asked for again over TCP" {
	responder_start long.example=truncate broken.example=badtcp
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" long.example TXT
	grep -Eq '^long.example TXT found .* "a{4000}" "b{4000}"$' <<<"$output"
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 1500 broken.example TXT
	grep -Eq '^broken.example TXT (servfail|timeout)' <<<"$output"
}

@test "a server that was silent for some names is asked for the next one" {
	responder_start dead.example=silent
	run -0 ask -w -r "127.0.0.1@$RESPONDER_PORT" -t 2500 a.dead.example TXT x.example TXT b.dead.example TXT c.dead.example TXT y.example A z.example TXT
	[ "$(awk '{print $3}' <<<"$output" | xargs)" = "timeout found timeout timeout found found" ]
}

@test "within the sandbox names are asked for, over UDP and TCP; a file needs no network" {
	responder_start long.example=truncate
	run -0 ask -s -r "127.0.0.1@$RESPONDER_PORT" x.example TXT long.example TXT
	grep -q '^x.example TXT found' <<<"$output"
	grep -q '^long.example TXT found' <<<"$output"
	echo 'x.example TXT "from a file"' >zone
	run -0 ask -s -f zone x.example TXT
	[[ $output == *'"from a file"' ]]
}

@test "a late answer within the time is an answer" {
	responder_start late.example=delay:700
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT" -t 5000 late.example TXT
	[[ $output == "late.example TXT found "* ]]
}

@test "a domain's own server is asked for it, and the others for the rest" {
	zone a.example <<<'t TXT "zone"'
	nsd_start zones
	responder_start
	run -0 ask -r "127.0.0.1@$RESPONDER_PORT,a.example=127.0.0.1@$NSD_PORT" t.a.example TXT t.b.example TXT
	grep -q '^t.a.example TXT found .*"zone"' <<<"$output"
	grep -q '^t.b.example TXT found .*"here"' <<<"$output"
}

# sign ZONE: signed in place; its key's DS record goes to ZONE.ds.
sign() {
	local key
	key=$(cd zones && ldns-keygen -a ECDSAP256SHA256 -k "$1")
	(cd zones && ldns-signzone -n -f "$1.zone" "$1.zone" "$key")
	cat "zones/$key.ds" >>anchors
}

@test "DNSSEC: proved, unsigned, and forged" {
	zone a.example <<<'t TXT "signed"'
	zone b.example <<<'t TXT "forged"'
	zone c.example <<<'t TXT "unsigned"'
	sign a.example
	sign b.example
	sed -i 's/"forged"/"FORGED"/' zones/b.example.zone
	nsd_start zones
	run -0 ask -r "127.0.0.1@$NSD_PORT" -a anchors t.a.example TXT no.a.example TXT t.b.example TXT t.c.example TXT
	grep -q '^t.a.example TXT found secure .*"signed"' <<<"$output"
	grep -q '^no.a.example TXT nxdomain secure ' <<<"$output"
	grep -q '^t.b.example TXT bogus - 0 .* # ' <<<"$output"
	grep -q '^t.c.example TXT found - .*"unsigned"' <<<"$output"
	# without an anchor nobody looks
	run -0 ask -r "127.0.0.1@$NSD_PORT" t.b.example TXT
	[[ $output == "t.b.example TXT found - "* ]]
}

@test "a resolver or an anchor that makes no sense is said at once" {
	run -78 ask -r 'not an address' x.example A
	[[ $output == *"resolver not an address"* ]]
	run -78 ask -r '=127.0.0.1' x.example A
	run -78 ask -r ',' x.example A
	run -78 ask -a /nonexistent x.example A
	[[ $output == *"trust anchor /nonexistent"* ]]
	: >empty
	run -78 ask -a empty x.example A
	echo 'a.example. DS what' >bad
	run -78 ask -a bad x.example A
}
