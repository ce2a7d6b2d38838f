load common
load dns

# DKIM keys of ours: private files nobody else reads and nothing prints; a new key in steps while the customer's records stay.

teardown() { dns_stop; }

platform() {
	weir-tenant add acme
	cat >home/providers.json <<-'EOT'
	{"own": {"platform": "platform.example", "inbound": "mx.platform.example", "feedback": "bounces.platform.example",
		"spf": "include:_spf.platform.example", "ns": [{"name": "ns1.platform.example"}]}}
	EOT
	weir-domain add acme s.acme.example --provider own
}
keys() { weir-domain show --json s.acme.example | jq -r "$1"; }
states() { keys '[.dns.keys[] | .state + (if .algorithm then ":" + .algorithm else "" end)] | join(" ")'; }
# The files of the folder are exactly those that the settings name, all 0600.
files_as_named() {
	keys '.dns.keys[].file // empty' | sort >named
	(cd home/tenants/acme/keys && find . -type f -printf '%P\n') | sort | cmp - named
	[ -z "$(find home/tenants/acme/keys -type f ! -perm 600)" ]
	[ -z "$(find home/tenants/acme/keys -type d ! -perm 700)" ]
}
zones() {
	soa() { printf '$ORIGIN %s.\n@ 0 IN SOA ns1.platform.example. h.platform.example. %s 7200 900 1209600 0\n@ 0 IN NS ns1.platform.example.\n' "$1" "$(date +%s)"; }
	mkdir -p zones
	{ soa acme.example; weir-domain records s.acme.example --format bind; } >zones/acme.example.zone
	weir-domain zone --platform >zones/dkim.platform.example.zone
}

@test "an RSA key of 2048 bits and an Ed25519 key sign, a third selector is free; the public halves are published" {
	platform
	[ "$(states)" = "active:rsa active:ed25519 free" ]
	files_as_named
	for f in home/tenants/acme/keys/*.pem; do openssl pkey -in "$f" -pubout -outform DER | base64 -w0; echo; done >public
	grep -qxF "$(keys '.dns.keys[0].public')" public
	openssl pkey -in "home/tenants/acme/keys/$(keys '.dns.keys[0].file')" -noout -text | grep -q '2048 bit'
	[ "$(keys '.dns.keys[1].public' | base64 -d | wc -c)" = 32 ]
	[ "$(keys '[.dns.keys[].selector] | unique | length')" = 3 ]
}

@test "two domains never share a selector" {
	platform
	for i in 1 2 3 4; do weir-domain add acme s$i.acme.example --provider own; done
	[ "$(for i in 1 2 3 4; do weir-domain show --json s$i.acme.example | jq -r '.dns.keys[].selector'; done | sort -u | wc -l)" = 12 ]
}

@test "no private key is printed by anything" {
	platform
	weir-domain rotate s.acme.example --seen
	{
		weir-domain show s.acme.example; weir-domain show --json s.acme.example; weir-domain zone --platform
		weir-domain records s.acme.example; weir-domain rotate --seen s.acme.example; weir-domain rotate --json --hurry --seen s.acme.example
		weir-domain list --json; weir-tenant show acme
	} >all 2>&1
	run ! grep -q PRIVATE all
	for f in home/tenants/acme/keys/*.pem; do
		run ! grep -qF "$(sed -n 2p "$f")" all
		run ! grep -raqF "$(sed -n 2p "$f")" home/tenants/acme/entities home/tenants/acme/blobs
	done
}

@test "a key is rotated in steps, found in DNS by the customer's own name, while the customer's records stay the same" {
	platform
	zones
	nsd_start zones
	# The resolver of the test is the name server itself: it has both zones and answers with the whole chain.
	r=(--resolver "127.0.0.1@$NSD_PORT")
	weir-domain records s.acme.example >records
	first=$(states)
	weir-domain rotate s.acme.example | grep -q 'zone --platform'
	[ "$(states)" = "active:rsa active:ed25519 published:rsa" ]
	files_as_named
	# Not in DNS before the zone was loaded: nothing happens, however often one asks.
	for i in 1 2; do
		run -75 --separate-stderr weir-domain rotate s.acme.example "${r[@]}"
		[[ $output == *"not in DNS yet"* ]]
		[ "$(states)" = "active:rsa active:ed25519 published:rsa" ]
	done
	zones
	nsd_reload
	weir-domain rotate s.acme.example "${r[@]}" --now 2100-11-20T00:00:00Z | grep -q 'seen in DNS'
	run -75 weir-domain rotate s.acme.example "${r[@]}" --now 2100-11-20T00:59:59Z
	[[ $output == *"waiting until 2100-11-20T01:00:00Z"* ]]
	weir-domain rotate s.acme.example "${r[@]}" --now 2100-11-20T01:00:00Z | grep -q 'in use'
	[ "$(states)" = "retiring:rsa active:ed25519 active:rsa" ]
	run -75 weir-domain rotate s.acme.example "${r[@]}" --now 2100-11-27T00:59:59Z
	weir-domain rotate s.acme.example "${r[@]}" --now 2100-11-27T01:00:00Z | grep -q 'taken back'
	[ "$(states)" = "free active:ed25519 active:rsa" ]
	files_as_named
	# The one that is older now is next.
	weir-domain rotate s.acme.example
	[ "$(states)" = "published:ed25519 active:ed25519 active:rsa" ]
	weir-domain records s.acme.example | cmp - records
	[ "$first" = "active:rsa active:ed25519 free" ]
}

@test "another key, two records, or nobody who answers: not seen, nothing is switched" {
	platform
	weir-domain rotate s.acme.example
	name=$(keys '.dns.keys[2].selector')._domainkey.s.acme.example
	key=$(keys '.dns.keys[2].public')
	printf '%s. 60 IN TXT "v=DKIM1; k=rsa; p=%s" "%s"\n' "$name" "${key:0:200}" "${key:200}" >good
	sed 's/p=MII/p=MIJ/' good >other
	{ cat good; printf '%s. 60 IN TXT "v=DKIM1; p="\n' "$name"; } >two
	: >none
	for f in other two none; do
		run -75 weir-domain rotate s.acme.example --dns "$f"
		[[ $output == *"not in DNS yet"* ]]
	done
	run -75 weir-domain rotate s.acme.example --resolver "127.0.0.1@$(free_port)"
	[[ $output == *"not in DNS yet"* ]]
	[ "$(keys '.dns.keys[2].seen')" = null ]
	weir-domain rotate s.acme.example --dns good | grep -q 'seen in DNS'
	[ "$(keys '.dns.keys[2].seen')" != null ]
}

@test "--continue goes on with what was begun, everywhere, and begins nothing; it is silent while there is nothing to do" {
	platform
	weir-domain add acme t.acme.example --provider own
	weir-domain add acme u.acme.example
	[ -z "$(weir-domain rotate --continue --seen)" ]
	weir-domain rotate t.acme.example
	weir-domain rotate --continue --seen --json >got
	/usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" <got
	[ "$(jq -r '.domain + " " + .step + " " + (.done | tostring)' got)" = "t.acme.example see true" ]
	[ -z "$(weir-domain rotate --continue --seen)" ]
	[ "$(states)" = "active:rsa active:ed25519 free" ]
	run -64 weir-domain rotate
	run -65 weir-domain rotate u.acme.example --seen
	run -65 weir-domain rotate nobody.example --seen
}

@test "a leaked key: --hurry does not wait" {
	platform
	weir-domain rotate s.acme.example
	weir-domain rotate s.acme.example --seen
	weir-domain rotate s.acme.example --seen --hurry
	weir-domain rotate s.acme.example --seen --hurry
	[ "$(states)" = "free active:ed25519 active:rsa" ]
	files_as_named
}

@test "killed at any moment, the same command goes on: no step is lost, no file is left, what signs is there" {
	platform
	for i in {1..12}; do
		weir-domain rotate s.acme.example --seen --hurry >/dev/null 2>&1 &
		# Somewhere within it: the loop's own time is the clock.
		for ((k = 0; k < i * 400; k++)); do :; done
		kill -KILL $! 2>/dev/null || true
		wait $! || true
		[ "$(keys '[.dns.keys[] | select(.state == "active")] | length')" = 2 ]
		for f in $(keys '.dns.keys[].file // empty'); do openssl pkey -in "home/tenants/acme/keys/$f" -noout; done
	done
	until [ "$(keys .rotation)" = null ]; do weir-domain rotate s.acme.example --seen --hurry; done
	files_as_named
}

@test "removing the domain, or its keys for SES's, removes the files" {
	platform
	weir-domain add acme t.acme.example --provider own
	[ "$(ls home/tenants/acme/keys | wc -l)" = 4 ]
	weir-domain set t.acme.example --provider ses:eu-west-1 --dkim-token a --dkim-token b --dkim-token c
	files_as_named
	[ "$(weir-domain zone --platform | grep -c ' IN TXT ')" = 3 ]
	weir-domain remove acme s.acme.example
	[ -z "$(ls home/tenants/acme/keys)" ]
}

@test "SES with a key of ours: RSA alone, the same three CNAMEs, the same way to a new key" {
	platform
	weir-domain add acme b.acme.example --provider ses:eu-central-1 --byodkim
	[ "$(weir-domain records --format bind b.acme.example | grep -vc '^;')" = 8 ]
	[ "$(weir-domain records --format bind b.acme.example | grep -c ' CNAME w[123]-[a-z2-7]*.dkim.platform.example.$')" = 3 ]
	b() { weir-domain show --json b.acme.example | jq -r '[.dns.keys[] | .state + ":" + (.algorithm // "-")] | join(" ")'; }
	[ "$(b)" = "active:rsa free:- free:-" ]
	weir-domain rotate b.acme.example
	[ "$(b)" = "active:rsa published:rsa free:-" ]
	run -65 --separate-stderr weir-domain rotate --seen x.example
}

@test "SES's own keys are SES's to rotate" {
	platform
	weir-domain add acme t.acme.example --provider ses:eu-west-1 --dkim-token a --dkim-token b --dkim-token c
	run -65 --separate-stderr weir-domain rotate --seen t.acme.example
	[[ $stderr == *"SES changes its own"* ]]
}
