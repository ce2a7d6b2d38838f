load common
load dns

# Delegated domains and the platform's zone: whole zones, loaded by three checkers and served by NSD.

teardown() { dns_stop; }

platform() {
	weir-tenant add acme
	weir-tenant add globex
	cat >home/providers.json <<-'EOT'
	{"own": {"platform": "platform.example", "inbound": "mx.platform.example", "feedback": "bounces.platform.example",
		"spf": "include:_spf.platform.example", "hostmaster": "dns.team@platform.example",
		"ns": [{"name": "ns1.platform.example"}, {"name": "ns2.platform.example"}]}}
	EOT
}
good_zone() {
	named-checkzone -i local -k fail -n fail -m fail "$1" "$2"
	PATH=$PATH:/usr/sbin nsd-checkzone "$1" "$2"
	PATH=$PATH:/usr/sbin kzonecheck -o "$1" "$2"
}
serial() { awk '$4 == "SOA" { print $7 }' "$1"; }
ask() { drill -p "$NSD_PORT" @127.0.0.1 "$@"; }

@test "a zone is SOA, NS and the 8 records; with portal and apex what was asked for" {
	platform
	weir-domain add acme s.acme.example --provider own --delegated
	weir-domain zone s.acme.example >z
	good_zone s.acme.example z
	[ "$(grep -v '^[;$]' z | awk '{ print $4 }' | xargs)" = "SOA NS NS CNAME CNAME CNAME MX MX TXT TXT TXT" ]
	[ "$(awk '$4 == "SOA" { print $5, $6 }' z)" = 'ns1.platform.example. dns\.team.platform.example.' ]
	weir-domain set s.acme.example --portal-cname portal=acme.portals.example --portal-cname '_0af.portal=_1bc.validations.example' \
		--apex 192.0.2.7 --apex 2001:DB8::7
	weir-domain zone s.acme.example >z
	good_zone s.acme.example z
	[ "$(grep -vc '^[;$]' z)" = 15 ]
	grep -q '^_0af.portal.s.acme.example. *3600 IN CNAME _1bc.validations.example.$' z
	grep -q '^s.acme.example. *3600 IN AAAA *2001:db8::7$' z
}

@test "the serial changes when the zone does, never goes back, and is the same while the zone is" {
	platform
	weir-domain add acme s.acme.example --provider own --delegated
	weir-domain zone s.acme.example >z1
	weir-domain zone s.acme.example | cmp - z1
	weir-domain set s.acme.example --ttl 300
	weir-domain zone s.acme.example >z2
	[ "$(serial z2)" -gt "$(serial z1)" ]
	weir-domain set s.acme.example --ttl 3600
	weir-domain zone s.acme.example >z3
	[ "$(serial z3)" -gt "$(serial z2)" ]
	diff <(sed "s/$(serial z1)/N/" z1) <(sed "s/$(serial z3)/N/" z3)
	# The provider's table is content, too.
	sed -i 's/mx.platform/mx2.platform/' home/providers.json
	weir-domain zone s.acme.example >z4
	[ "$(serial z4)" -gt "$(serial z3)" ]
	# A zone that comes from elsewhere has a serial already; RFC 1982 says what is after it.
	run -65 --separate-stderr weir-domain set s.acme.example --serial 5
	[[ $stderr == *"RFC 1982"* ]]
	weir-domain set s.acme.example --serial 2900000000
	weir-domain zone s.acme.example >z5
	[ "$(serial z5)" = 2900000001 ]
	weir-domain zone s.acme.example | cmp - z5
	good_zone s.acme.example z5
}

@test "the parent needs NS, and glue for servers within the domain only" {
	platform
	weir-domain add acme s.acme.example --provider own --delegated
	[ "$(weir-domain delegation s.acme.example | grep -v '^;' | awk '{ print $1, $4, $5 }')" = "s.acme.example. NS ns1.platform.example.
s.acme.example. NS ns2.platform.example." ]
	run -65 --separate-stderr weir-domain set s.acme.example --ns ns.s.acme.example
	[[ $stderr == *"--ns ns.s.acme.example=IP"* ]]
	weir-domain set s.acme.example --ns ns.s.acme.example=192.0.2.1,2001:db8::1 --ns ns.other.example=192.0.2.2
	weir-domain delegation s.acme.example >d
	[ "$(grep -v '^;' d | awk '{ print $4 }' | xargs)" = "NS NS A AAAA" ]
	run ! grep -q 192.0.2.2 d
	{
		printf '$ORIGIN acme.example.\n@ 3600 IN SOA ns h 1 7200 900 1209600 300\n@ 3600 IN NS ns\nns 3600 IN A 192.0.2.9\n'
		cat d
	} >acme.zone
	good_zone acme.example acme.zone
	weir-domain zone s.acme.example >z
	good_zone s.acme.example z
}

@test "a CNAME never stands beside other data, a portal never outside the zone" {
	platform
	weir-domain add acme s.acme.example --provider own --delegated --mta-sts testing --mta-sts-host w.platform.example
	weir-domain zone s.acme.example >z
	for name in s.acme.example mail _dmarc ns mta-sts "$(weir-domain show --json s.acme.example | jq -r '.dns.keys[0].selector')._domainkey"; do
		weir-domain set s.acme.example --ns ns.s.acme.example=192.0.2.1
		run -65 --separate-stderr weir-domain set s.acme.example --portal-cname "$name=x.example"
		[[ $stderr == *"RFC 1034"* || $stderr == *twice* ]]
	done
	for bad in portal portal= =x.example 'a b=x.example' 'portal=x y.example' 'portal=x.example"' '*=x.example' other.example.=x.example \
			"portal=x.example;" $'portal=x.example\n@ A 192.0.2.1'; do
		run -65 --separate-stderr weir-domain set s.acme.example --portal-cname "$bad"
	done
	for bad in 1.2.3 1.2.3.4.5 localhost 2001:db8::g "192.0.2.1 "; do
		run -65 --separate-stderr weir-domain set s.acme.example --apex "$bad"
		run -65 --separate-stderr weir-domain set s.acme.example --ns "ns.x.example=$bad"
	done
	weir-domain set s.acme.example --ns ''
	weir-domain zone s.acme.example >z2
	diff <(sed "s/$(serial z)/N/" z) <(sed "s/$(serial z2)/N/" z2)
}

@test "a self-managed domain has no zone, and no portal" {
	platform
	weir-domain add acme s.acme.example --provider own
	run -65 --separate-stderr weir-domain zone s.acme.example
	[[ $stderr == *--delegated* ]]
	run -65 --separate-stderr weir-domain delegation s.acme.example
	weir-domain set s.acme.example --delegated --apex 192.0.2.1
	run -65 --separate-stderr weir-domain set s.acme.example --self-managed
	weir-domain set s.acme.example --self-managed --apex ''
}

@test "the platform's zone has three keys for each domain whose keys are ours, and one serial of its own" {
	platform
	weir-domain add acme s.acme.example --provider own
	weir-domain add globex t.globex.example --provider ses:eu-west-1 --byodkim
	weir-domain add globex u.globex.example --provider ses:eu-west-1 --dkim-token a --dkim-token b --dkim-token c
	weir-domain zone --platform >p
	good_zone dkim.platform.example p
	weir-domain zone --platform | cmp - p
	[ "$(grep -c ' IN TXT ' p)" = 6 ]
	[ "$(grep -c '"v=DKIM1; k=rsa; p=' p)" = 2 ]
	[ "$(grep -c '"v=DKIM1; k=ed25519; p=' p)" = 1 ]	# SES takes RSA alone
	[ "$(grep -c '"v=DKIM1; p="' p)" = 3 ]
	# No string over 255 bytes, and joined again they are the key.
	grep -o '"[^"]*"' p | awk 'length > 257 { exit 1 }'
	weir-domain show --json s.acme.example | jq -r '.dns.keys[0].public' >want
	awk '/k=rsa/ && /^w1/' p | grep -F "$(weir-domain show --json s.acme.example | jq -r '.dns.keys[0].selector')" | grep -o '"[^"]*"' |
		tr -d '"\n' | sed 's/.*p=//' | cmp - <(tr -d '\n' <want)
	weir-domain add acme v.acme.example --provider own
	weir-domain zone --platform >p2
	[ "$(serial p2)" -gt "$(serial p)" ]
	[ "$(weir-domain delegation --platform | grep -c ' NS ')" = 2 ]
	run -64 --separate-stderr weir-domain records --platform
	run -64 --separate-stderr weir-domain zone --platform s.acme.example
}

@test "a tenant whose settings cannot be read: no platform zone, rather than one that takes its keys back" {
	platform
	weir-domain add acme s.acme.example --provider own
	weir-domain add globex t.globex.example --provider own
	weir-domain zone --platform >p
	printf 'x' >home/tenants/globex/entities/data.mdb
	run --separate-stderr weir-domain zone --platform
	[ "$status" != 0 ] && [ -z "$output" ]
	[[ $stderr == *globex* ]]
	echo nonsense >home/platform.serial
	rm -r home/tenants/globex
	run -65 --separate-stderr weir-domain zone --platform
	[[ $stderr == *platform.serial* ]]
}

@test "NSD serves parent, child and keys; the customer's CNAMEs lead to the keys" {
	platform
	weir-domain add acme s.acme.example --provider own
	weir-domain add globex t.globex.example --provider own --delegated
	mkdir zones
	soa() { printf '$ORIGIN %s.\n@ 3600 IN SOA ns1.platform.example. h.platform.example. 1 7200 900 1209600 300\n@ 3600 IN NS ns1.platform.example.\n' "$1"; }
	{ soa acme.example; weir-domain records s.acme.example --format bind; } >zones/acme.example.zone
	{ soa globex.example; weir-domain delegation t.globex.example; } >zones/globex.example.zone
	weir-domain zone t.globex.example >zones/t.globex.example.zone
	weir-domain zone --platform >zones/dkim.platform.example.zone
	nsd_start zones
	for d in s.acme.example t.globex.example; do
		for s in $(weir-domain show --json "$d" | jq -r '.dns.keys[].selector'); do
			ask -Q TXT "$s._domainkey.$d" | grep -q "^$s.dkim.platform.example.$"
			ask TXT "$s.dkim.platform.example" | grep -q 'v=DKIM1; '
		done
		ask -Q MX "$d" | grep -q '^10 mx.platform.example.$'
		ask -Q TXT "_dmarc.$d" | grep -q '^"v=DMARC1; p=none"$'
	done
	ask SOA t.globex.example | grep -q "$(serial zones/t.globex.example.zone)"
}

@test "every line of JSON fits the schema" {
	platform
	weir-domain add acme s.acme.example --provider own --delegated --portal-cname p=x.example --apex 192.0.2.1 \
		--ns ns.s.acme.example=192.0.2.1,2001:db8::1
	{ weir-domain zone --json s.acme.example; weir-domain zone --platform --json; weir-domain delegation s.acme.example --json
		weir-domain show --json s.acme.example; } | /usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json"
}
