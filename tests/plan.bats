load common

# acme with a bit of everything.
acme() {
	weir-tenant add acme
	weir-domain add acme x.example --any
	weir-domain add acme bücher.example
	weir-address add acme info@x.example --inbox support --name 'Acme GmbH' --sender user:anna --catch-all
	weir-address add acme "O'Neil+x@bücher.example" --active no --tags no --reply-to Info@X.example
	printf -- '-- \nAcme\n' | weir-address set acme info@x.example --signature - --signature-html <(echo '<p>Acme</p>')
	weir-inbox set acme support --colour '#102030' --description $'for "customers"\nand others' --assignee group:service
	weir-tenant set acme scan.encrypted flag
	weir-tenant set acme dmarc.reject hold
	weir-tenant set acme duplicates.window 10m
	weir-tenant set acme duplicates.except 'fax@x.example'
}
fits() { /usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" "$@"; }

@test "what is exported is one JSON object, a line for each entry, and a plan of it is empty" {
	acme
	weir-tenant export acme >e.json
	jq -c . e.json | fits
	[ "$(grep -c '^  {' e.json)" = 7 ]
	run -0 weir-tenant plan <e.json
	[ -z "$output" ]
	run -0 weir-tenant apply <e.json
	[ -z "$output" ]
	jq -S . e.json | weir-tenant plan
	weir-tenant export acme | cmp - e.json
}

@test "an export in the place of nothing gives the same export, domains aside" {
	acme
	weir-tenant export acme >e.json
	want=$(weir-fsck --digest acme)
	rm -rf "$WEIR_HOME"
	weir-tenant add acme
	weir-tenant apply <e.json >/dev/null
	weir-tenant export acme | cmp - e.json
	[ "$(weir-fsck --digest acme)" = "$want" ]
	[ "$(weir-domain list)" = $'x.example\tacme\nbücher.example\tacme' ]
}

@test "plan says what would change and ends with 1, changes nothing; apply does it and says the same" {
	acme
	weir-tenant export acme >e.json
	jq '(.addresses[] | select(.address == "info@x.example")) |= (del(.name) | .inbox = "sales") | .inboxes += [{inbox:"sales"}]
		| .policy["scan.encrypted"] = "hold" | .domains += [{domain:"New.example"}] | .duplicates.window = "3m"' e.json >new.json
	run -1 weir-tenant plan <new.json
	[ "$output" = '~ address info@x.example  inbox "support" -> "sales"  name "Acme GmbH" -> -
+ domain new.example  {}
~ duplicates  window_ms 600000 -> -
+ inbox sales  {}
- policy scan.encrypted  "flag"' ]
	weir-tenant export acme | cmp - e.json
	[ "$(weir-domain list | wc -l)" = 2 ]
	weir-tenant plan --json <new.json | fits || [ "${PIPESTATUS[1]}" = 0 ]
	weir-tenant apply <new.json >said
	[ "$(cat said)" = "$output" ]
	[ "$(weir-domain list acme | wc -l)" = 3 ]
	run -0 weir-tenant plan <new.json
	weir-fsck acme
}

@test "one bad entry among good ones, and nothing is changed: the line and the entry are named" {
	acme
	weir-tenant add globex
	weir-domain add globex g.example
	weir-tenant export acme >e.json
	while read -r row; do
		filter=${row%% ## *} named=${row##* ## }
		jq "$filter" e.json >bad.json
		for verb in plan apply; do
			run -65 --separate-stderr weir-tenant $verb <bad.json
			[ -z "$output" ]
			[[ $stderr == *"$named"* ]] || { echo "$filter: $stderr"; false; }
		done
		weir-tenant export acme | cmp - e.json
		[ "$(weir-domain list acme | wc -l)" = 2 ]
	done <<-'EOT'
	.policy["scan.encrypted"]="deliver" | .domains+=[{domain:"new.example"}] ## policy scan.encrypted: scan.encrypted is hold, flag or delete
	.policy["scan.nosuch"]="flag" ## no setting is called scan.nosuch
	.duplicates.window="5w" ## duplicates: a duplicate window is written
	.duplicates.except=["nonsense"] ## nonsense is no address
	.duplicates.other=1 ## there is window and except
	.inboxes[0].inbox="A B" ## inbox A B: no inbox can be called so
	.inboxes[1].colour="red" ## colour is written #rrggbb
	.inboxes[1].assignees=["anna"] ## anna is not user:NAME
	.inboxes[1].inbox="other" ## inbox support: it is there, but not in the plan
	.addresses[0].inbox="other" ## it is not among the inboxes
	del(.inboxes[] | select(.inbox == "support")) | .addresses[].inbox="unsorted" ## inbox support: it is there, but not in the plan
	.inboxes[1]={inbox:"support",successor:"default"} ## info@x.example leads to the inbox support, which was removed
	.inboxes[0]={inbox:"default",successor:"support"} ## always there
	.inboxes+=[{inbox:"a",successor:"b"},{inbox:"b",successor:"a"}] ## its successors lead nowhere
	.domains[0].catch_all="nobody@x.example" ## its catch-all nobody@x.example is no address that there is
	.domains[0].catch_all="info@y.example" ## in another domain
	.domains+=[{domain:"a b"}] ## domain a b: no domain name
	.domains+=[{domain:"g.example"}] ## another tenant has the domain g.example
	.domains+=[{domain:"sub.g.example"}] ## one tenant's domain is not within another's
	.domains+=[{domain:"co.uk"}] ## public suffix
	.domains+=[{domain:"X.example."}] ## domain/x.example stands there twice
	.addresses+=[{address:"a@g.example",inbox:"default"}] ## acme has no domain g.example
	.addresses+=[{address:"INFO@X.example",inbox:"default"}] ## address/info@x.example stands there twice
	.addresses+=[{address:"nonsense",inbox:"default"}] ## address nonsense: no address
	.addresses[1].primary=true | .addresses[0].primary=true ## there is a primary address already
	del(.addresses[0].inbox) ## it leads to no inbox
	.addresses[0].nosuch=1 ## there is no member "nosuch"
	.addresses[0].active="no" ## active is true or false
	.addresses[0].name="a\u001bb" ## name holds a control character
	.addresses[0].name="a\u202eb" ## name holds a control character
	.addresses[0].signature={pdf:"x"} ## signature has text and html
	.nosuch=1 ## there is no member "nosuch"
	.weir=2 ## this weir reads version 1
	.type="tenant" ## "settings" is wanted
	.tenant="../x" ## no name of a tenant
	.tenant="nobody" ## no tenant nobody
	.addresses={} ## a list is wanted
	[.] ## settings are one JSON object
	EOT
	sed '/"address":"info@x/s/"support"/"sup port"/' e.json >bad.json
	run -65 --separate-stderr weir-tenant apply <bad.json
	[[ $stderr == *"line $(grep -n '"address":"info@x' e.json | cut -d: -f1): address info@x.example: "* ]]
	for text in '' '{' 'x' '{"weir":1}x' $'{"policy":{"scan.error":"flag","scan.error":"hold"}}'; do
		run -65 --separate-stderr weir-tenant apply acme <<<"$text"
	done
	run -64 --separate-stderr weir-tenant apply <<<'{"weir":1,"type":"settings"}'
	weir-tenant export acme | cmp - e.json
}

@test "a section that is left out stays, an empty one says that there is nothing of its kind" {
	acme
	weir-tenant export acme >e.json
	run -0 weir-tenant plan acme <<<'{}'
	run -0 weir-tenant plan acme <<<'{"weir":1,"type":"settings"}'
	weir-tenant apply acme <<<'{"policy":{}}' >/dev/null
	[ "$(weir-tenant export acme | jq -c .policy)" = '{}' ]
	[ "$(weir-tenant export acme | jq -c 'del(.policy)')" = "$(jq -c 'del(.policy)' e.json)" ]
	run -65 --separate-stderr weir-tenant apply acme <<<'{"domains":[]}'
	weir-tenant apply acme <<<'{"domains":[],"addresses":[]}' >/dev/null
	[ -z "$(weir-domain list acme)" ]
	[ "$(weir-tenant export acme | jq -c '[.domains,.addresses]')" = '[[],[]]' ]
}

@test "another tenant beside it tries a text out" {
	acme
	weir-tenant add staging
	weir-tenant export acme | sed 's/x\.example/stage.example/g; s/xn--bcher-kva\.example/stage2.example/g' >stage.json
	run -1 weir-tenant plan staging <stage.json
	weir-tenant apply staging <stage.json >/dev/null
	[ "$(weir-tenant export staging | jq -c 'del(.tenant)')" = "$(jq -c 'del(.tenant)' stage.json)" ]
	[ "$(weir-domain list staging | wc -l)" = 2 ]
}

@test "the primary address stays where a text names none, and moves where it names one" {
	acme
	weir-address add acme b@x.example
	weir-tenant export acme >e.json
	jq 'del(.addresses[].primary)' e.json | weir-tenant plan
	jq 'del(.addresses[].primary) | (.addresses[] | select(.address == "b@x.example")).primary = true' e.json | weir-tenant apply >out
	[ "$(cat out)" = '~ primary  "info@x.example" -> "b@x.example"' ]
	jq '.addresses |= map(select(.address != "b@x.example") | del(.primary))' e.json | weir-tenant apply >out
	grep -q '^~ primary  "b@x.example" -> "info@x.example"' out
}

@test "what another part of weir keeps in a domain comes back as it was" {
	weir-tenant add acme
	weir-tenant apply acme <<<'{"domains":[{"domain":"x.example","later":{"a" : [1, "x  y\" z"], "b":1.50},"n":null}]}' >/dev/null
	[ "$(weir-tenant export acme | grep '"domain"')" = '  {"domain":"x.example","later":{"a":[1,"x  y\" z"],"b":1.50},"n":null}' ]
	weir-address add acme info@x.example --catch-all
	[ "$(weir-tenant export acme | grep '"domain"')" = '  {"domain":"x.example","catch_all":"info@x.example","later":{"a":[1,"x  y\" z"],"b":1.50},"n":null}' ]
	weir-tenant export acme | weir-tenant plan
}

@test "a domain's DNS settings are text, its keys and serial are not: made where there are none, kept where there are" {
	mkdir -p "$WEIR_HOME"
	cat >"$WEIR_HOME/providers.json" <<-'EOT'
	{"own":{"platform":"platform.example","inbound":"mx.platform.example","feedback":"mx.platform.example","dkim":"dkim.platform.example",
	 "spf":"include:spf.platform.example","hostmaster":"hostmaster@platform.example","ns":[{"name":"ns1.platform.example","addresses":["192.0.2.1"]}]}}
	EOT
	weir-tenant add acme
	weir-domain add acme mail.acme.example --provider own
	[ "$(ls "$WEIR_HOME/tenants/acme/keys" | wc -l)" = 2 ]
	weir-tenant export acme >e.json
	! grep -q '"keys"\|"serial"\|"public"' e.json
	before=$(weir-domain show --json mail.acme.example)
	sed 's/"ttl":3600/"ttl":600/' e.json >new.json
	run -1 weir-tenant plan <new.json
	[ "$output" = '~ domain mail.acme.example  dns.ttl 3600 -> 600' ]
	weir-tenant apply <new.json >/dev/null
	weir-tenant apply <e.json >/dev/null
	[ "$(weir-domain show --json mail.acme.example)" = "$before" ]
	run -65 --separate-stderr weir-tenant apply <<<"$(jq '.domains[0].dns.serial = 7' e.json)"
	[[ $stderr == *"keeps track of itself"* ]]
	run -65 --separate-stderr weir-tenant apply <<<"$(jq '.domains[0].dns.dmarc = "p=none; aspf=s"' e.json)"
	[[ $stderr == *"aspf=s"* ]]
	run -65 --separate-stderr weir-tenant apply <<<"$(jq '.domains[0].dns.nosuch = 7' e.json)"
	# A new domain gets keys with apply, not with plan; they go with it.
	weir-tenant add two
	sed 's/acme\.example/two.example/g' e.json >two.json
	run -1 weir-tenant plan two <two.json
	[ -z "$(ls "$WEIR_HOME/tenants/two/keys")" ]
	weir-tenant apply two <two.json >/dev/null
	[ "$(ls "$WEIR_HOME/tenants/two/keys" | wc -l)" = 2 ]
	weir-domain records mail.two.example >/dev/null
	run -0 weir-tenant plan two <two.json
	weir-tenant apply two <<<'{"domains":[]}' >/dev/null
	[ -z "$(ls "$WEIR_HOME/tenants/two/keys")" ]
	[ "$(ls "$WEIR_HOME/tenants/acme/keys" | wc -l)" = 2 ]
}

@test "ten thousand addresses are planned and applied as one change" {
	weir-tenant add acme
	jq -nc '{domains:[{domain:"x.example"}],addresses:[range(10000)|{address:"a\(.)@x.example",inbox:"i\(. % 50)"}]}' >big.json
	weir-tenant apply acme <big.json >out
	[ "$(weir-address list acme | wc -l)" = 10000 ]
	run -0 weir-tenant plan acme <big.json
	jq -c '.addresses[9999].address = "a0@x.example"' big.json >bad.json
	run -65 --separate-stderr weir-tenant apply acme <bad.json
	[ "$(weir-address list acme | wc -l)" = 10000 ]
}
