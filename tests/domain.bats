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
