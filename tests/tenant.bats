load common

@test "a tenant is made once; making it again changes nothing" {
	weir-tenant add acme
	weir-tenant set acme scan.encrypted flag
	weir-tenant add acme
	[ "$(weir-tenant list)" = acme ]
	[ "$(weir-tenant show acme)" = "scan.encrypted flag" ]
}

@test "a tenant's name is a word, never a path" {
	for name in "" . .. a/b ../x Acme -acme acme- "a b" "$(printf 'a%.0s' {1..64})"; do
		run -65 --separate-stderr weir-tenant add -- "$name"
	done
	[ ! -e "$WEIR_HOME/tenants" ] || [ -z "$(ls "$WEIR_HOME/tenants")" ]
	weir-tenant add "$(printf 'a%.0s' {1..63})"
}

@test "no tenants are an empty list" {
	run -0 weir-tenant list
	[ -z "$output" ]
}

@test "the default of a policy is not stored" {
	weir-tenant add acme
	weir-tenant set acme scan.unsupported delete
	weir-tenant set acme scan.timeout hold
	weir-tenant set acme scan.unsupported hold
	[ -z "$(weir-tenant show acme)" ]
}

@test "an unknown key or value names the choices and changes nothing" {
	weir-tenant add acme
	run -64 --separate-stderr weir-tenant set acme scan.encryption flag
	[[ $stderr == *scan.encrypted* ]]
	run -64 --separate-stderr weir-tenant set acme scan.encrypted deliver
	[[ $stderr == *"hold, flag or delete"* ]]
	[ -z "$(weir-tenant show acme)" ]
}

@test "show --json is one object with all that is set" {
	weir-tenant add acme
	weir-domain add acme x.example --any
	weir-address add acme info@x.example --inbox support
	weir-tenant set acme scan.too_big flag
	[ "$(weir-tenant --json show acme)" = '{"weir":1,"type":"tenant","tenant":"acme","domains":[{"domain":"x.example","any":"unsorted"}],"addresses":[{"address":"info@x.example","inbox":"support"}],"policy":{"too_big":"flag"}}' ]
}

@test "a tenant nobody made is 65 and named" {
	weir-tenant add acme
	run -65 --separate-stderr weir-tenant show globex
	[[ $stderr == *globex* ]]
	run -65 --separate-stderr weir-tenant set globex scan.error flag
}

@test "a wrong word is 64 and prints the usage" {
	run -64 --separate-stderr weir-tenant remove acme
	[[ $stderr == *usage:* ]]
	run -64 --separate-stderr weir-tenant
	run -64 --separate-stderr weir-tenant add
}

@test "policies for mail that DMARC says is forged have words of their own, and are set beside the scanner's" {
	weir-tenant add acme
	weir-tenant set acme dmarc.reject hold
	weir-tenant set acme dmarc.quarantine deliver
	weir-tenant set acme scan.corrupt delete
	[ "$(weir-tenant show acme)" = $'dmarc.quarantine deliver\ndmarc.reject hold\nscan.corrupt delete' ]
	[ "$(weir-tenant --json show acme | jq -c .policy)" = '{"corrupt":"delete","dmarc":{"quarantine":"deliver","reject":"hold"}}' ]
	run -64 --separate-stderr weir-tenant set acme dmarc.reject delete
	[[ $stderr == *"hold, flag or deliver"* ]]
	weir-tenant set acme dmarc.reject flag
	weir-tenant set acme dmarc.quarantine flag
	weir-tenant set acme scan.corrupt hold
	[ -z "$(weir-tenant show acme)" ]
}

@test "a tenant goes with all it has when that is said, and what it had is free" {
	weir-tenant platform --shared-domain in.platform.example
	for t in acme globex; do weir-tenant add $t; done
	weir-domain add acme x.example
	weir-address add acme info@x.example
	weir-address add acme hello@in.platform.example
	run -64 --separate-stderr weir-tenant remove acme
	[[ $stderr == *--erase* ]]
	run -64 --separate-stderr weir-tenant --erase show acme
	[ "$(weir-address list acme | wc -l)" = 2 ]
	weir-tenant remove --erase acme
	[ "$(weir-tenant list)" = globex ]
	[ "$(find "$WEIR_HOME/tenants" -mindepth 1 -maxdepth 1)" = "$WEIR_HOME/tenants/globex" ]
	weir-domain add globex x.example
	weir-address add globex hello@in.platform.example
	run -65 --separate-stderr weir-tenant remove --erase acme
	weir-tenant add acme
	[ -z "$(weir-tenant show acme)" ]
}

@test "what a removal that was killed has left behind is gone with the next one of that name" {
	weir-tenant add acme
	mkdir -p "$WEIR_HOME/tenants/.acme.removed/entities"
	[ "$(weir-tenant list)" = acme ]
	weir-tenant remove --erase acme
	[ -z "$(ls -A "$WEIR_HOME/tenants")" ]
}
