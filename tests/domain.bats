load common

tenants() { weir-tenant add acme; weir-tenant add globex; }

@test "a domain has one tenant" {
	tenants
	weir-domain add acme x.example
	run -65 --separate-stderr weir-domain add globex X.EXAMPLE
	[[ $stderr == *"another tenant"* ]]
	[ "$(weir-domain list)" = $'x.example\tacme' ]
	[ -z "$(weir-domain list globex)" ]
}

@test "an international domain is one domain, however it is written" {
	tenants
	weir-domain add acme Bücher.example
	run -65 --separate-stderr weir-domain add globex xn--bcher-kva.example
	[ "$(weir-domain list acme)" = $'bücher.example\tacme' ]
	[ "$(weir-domain --json list | jq -r .domain)" = xn--bcher-kva.example ]
	weir-domain remove acme BÜCHER.example
	[ -z "$(weir-domain list)" ]
}

@test "adding again changes --any, and takes it back" {
	tenants
	weir-domain add acme x.example --any
	[ "$(weir-tenant show acme)" = "domain x.example  any unsorted" ]
	weir-domain add acme x.example --any --inbox all
	[ "$(weir-tenant show acme)" = "domain x.example  any all" ]
	weir-domain add acme x.example
	[ "$(weir-tenant show acme)" = "domain x.example" ]
}

@test "a domain with addresses is not removed, one without is free for others" {
	tenants
	weir-domain add acme x.example
	weir-address add acme info@x.example
	run -65 --separate-stderr weir-domain remove acme x.example
	[[ $stderr == *"1 address"* ]]
	weir-address remove acme info@x.example
	weir-domain remove acme x.example
	weir-domain add globex x.example
}

@test "nobody removes another tenant's domain" {
	tenants
	weir-domain add acme x.example
	run -65 --separate-stderr weir-domain remove globex x.example
	[ "$(weir-domain list)" = $'x.example\tacme' ]
}

@test "what is no domain is 64" {
	tenants
	for d in "" . "a b" a@b.example "$(printf 'a%.0s' {1..64}).example"; do
		run -64 --separate-stderr weir-domain add acme "$d"
	done
	[ -z "$(weir-domain list)" ]
}

@test "a domain for a tenant that does not exist is refused and not kept" {
	run -65 --separate-stderr weir-domain add acme x.example
	[ -z "$(weir-domain list)" ]
}

ses() { weir-domain add "$@" --provider ses:eu-central-1 --dkim-token aaa --dkim-token bbb --dkim-token ccc; }

@test "one tenant's domain lies neither below nor above another's, and nothing is kept of the try" {
	tenants
	weir-domain add acme acme.example
	run -65 --separate-stderr weir-domain add globex service.acme.example
	[[ $stderr == *"service.acme.example lies below acme.example"* ]]
	weir-domain add acme a.b.globex.example
	run -65 --separate-stderr weir-domain add globex globex.example
	[[ $stderr == *"globex.example lies above a.b.globex.example"* ]]
	run -65 --separate-stderr weir-domain add globex b.globex.example
	weir-domain add globex xacme.example
	weir-domain add globex c.globex.example
	weir-domain add acme service.acme.example
	[ "$(weir-domain list globex | sort | cut -f1 | xargs)" = "c.globex.example xacme.example" ]
	[ "$(weir-tenant show globex | grep -c ^domain)" = 2 ]
}

@test "two tenants at once, one with the parent: one of them gets it" {
	tenants
	for i in 1 2 3 4 5; do
		weir-domain add acme s.d$i.example 2>/dev/null & a=$!
		weir-domain add globex d$i.example 2>/dev/null & b=$!
		got=0
		wait $a && got=$((got + 1))
		wait $b && got=$((got + 1))
		[ "$got" = 1 ]
	done
	[ "$(weir-domain list | wc -l)" = 5 ]
}

@test "a public suffix is nobody's; a name that IDNA2008 or LDH forbids is 64 with the rule" {
	tenants
	for d in co.uk github.io com.br; do
		run -65 --separate-stderr weir-domain add acme $d
		[[ $stderr == *"public suffix"* ]]
	done
	while IFS='|' read -r rule name; do
		run -64 --separate-stderr weir-domain add acme "$name"
		[[ $stderr == *"$rule"* ]] || { echo "$name: $stderr"; false; }
	done <<-'EOT'
	two at least|example
	LDH|a_b.example
	LDH|a b.example
	LDH|a"b.example
	LDH|*.example
	hyphen|b.-a.example
	hyphen|a-.example
	reserved|ab--cd.example
	IDNA2008|☃.example
	IDNA2008|xn--n3h.example
	IDNA2008|xn--a.example
	numbers|192.0.2.1
	empty label|a..example
	64 bytes|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example
	EOT
	[ -z "$(weir-domain list)" ]
}

@test "set changes what is said, keeps what is not, and wants something to do" {
	tenants
	ses acme s.acme.example --any --inbox all --rua d@s.acme.example
	weir-domain set s.acme.example --ttl 300
	[ "$(weir-domain show --json s.acme.example | jq -c '[.any, .dns.ttl, .dns.rua, .dns.tokens]')" = '["all",300,["d@s.acme.example"],["aaa","bbb","ccc"]]' ]
	weir-domain set S.ACME.example --any --inbox other
	[ "$(weir-domain show --json s.acme.example | jq -r .any)" = other ]
	weir-address add acme info@s.acme.example --catch-all
	weir-domain set s.acme.example --dmarc reject
	[ "$(weir-domain show --json s.acme.example | jq -r '.catch_all + " " + .dns.dmarc')" = "info@s.acme.example p=reject" ]
	run -64 --separate-stderr weir-domain set s.acme.example
	run -65 --separate-stderr weir-domain set nobody.example --ttl 300
	run -64 --separate-stderr weir-domain records s.acme.example --ttl 300
}

@test "a domain goes with its addresses to a successor" {
	tenants
	weir-domain add acme x.example
	weir-domain add acme y.example
	weir-address add acme info@x.example
	run -65 --separate-stderr weir-domain remove acme x.example --successor z.example
	weir-domain remove acme x.example --successor y.example
	[ "$(weir-domain list acme)" = $'y.example\tacme' ]
	weir-address --json list acme | jq -r .address | grep -qx info@y.example
}

@test "half removed, half added: the next change puts routes right" {
	tenants
	ses acme s.acme.example
	cp -r home/routes routes.before
	weir-domain remove acme s.acme.example
	# As if killed after the store was written and before routes were.
	rm -r home/routes && cp -r routes.before home/routes
	[ "$(weir-domain list acme)" = $'s.acme.example\tacme' ]
	weir-domain add acme t.acme.example
	[ "$(weir-domain list acme)" = $'t.acme.example\tacme' ]
	# And the other way round: routes are lost.
	rm -r home/routes
	weir-domain add acme u.acme.example
	[ "$(weir-domain list acme | cut -f1 | xargs)" = "t.acme.example u.acme.example" ]
}

@test "show says who, how and what of a domain, to people" {
	tenants
	ses acme bücher.example --null-mx
	weir-domain show bücher.example >got
	grep -qx 'Domain:    xn--bcher-kva.example' got
	grep -qx '           bücher.example' got
	grep -qx 'Tenant:    acme' got
	grep -qx 'Receives:  no (null MX)' got
	weir-domain add globex plain.example
	weir-domain show plain.example | grep -q '^Mode: *plain'
}

@test "DMARC without reports is said, and reports that nobody would receive" {
	tenants
	ses acme s.acme.example 2>err
	grep -q 'without reports: .*--rua dmarc@s.acme.example' err
	weir-domain set s.acme.example --rua dmarc@s.acme.example 2>err
	grep -q 'nobody receives the reports to dmarc@s.acme.example: weir-address --inbox reports add acme' err
	weir-address --inbox reports add acme dmarc@s.acme.example
	weir-domain set s.acme.example --dmarc reject 2>err
	[ ! -s err ]
}
