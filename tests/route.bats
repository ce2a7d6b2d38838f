load common

# Two tenants; acme has addresses, a catch-all on one domain and --any on another.
settings() {
	weir-tenant add acme
	weir-tenant add globex
	weir-domain add acme x.example
	weir-domain add acme bücher.example --any
	weir-domain add acme all.example
	weir-domain add globex globex.example
	weir-address add acme info@x.example --inbox support
	weir-address add acme sales@x.example
	weir-address add acme sales+vip@x.example --inbox vip
	weir-address add acme rest@all.example --inbox rest --catch-all
	weir-address add globex hq@globex.example
}

# envelope RCPT...: a record whose envelope names them.
envelope() {
	jq -nc '{weir:1,id:"x",envelope:{from:"a@b.example",to:$ARGS.positional,source:"option"},
		message:{to:[{address:"somebody@else.example"}]}}' --args "$@"
}

# where RCPT...: tenant inbox match tag of each recipient.
where() {
	envelope "$@" | weir-route | jq -r 'if .hold then "hold " + .hold.reason else .tenant as $t | .recipients[] | "\($t) \(.address) \(.inbox) \(.match)" + (if .tag then " " + .tag else "" end) end'
}

@test "the exact address, in any case of letters" {
	settings
	[ "$(where Info@X.EXAMPLE)" = "acme info@x.example support exact" ]
}

@test "a plus-tag leads to the address before it and is kept as it was written" {
	settings
	[ "$(where Info+Ticket-7@x.example)" = "acme info@x.example support tag Ticket-7" ]
	[ "$(where info+a+B@x.example)" = "acme info@x.example support tag a+B" ]
	[ "$(where info+@x.example)" = "acme info@x.example support tag " ]
}

@test "an address added with its tag comes first, and the longest one wins" {
	settings
	[ "$(where sales+vip@x.example)" = "acme sales+vip@x.example vip exact" ]
	[ "$(where sales+vip+now@x.example)" = "acme sales+vip@x.example vip tag now" ]
	[ "$(where sales+other@x.example)" = "acme sales@x.example default tag other" ]
}

@test "the catch-all gets what is for no other address of its domain" {
	settings
	[ "$(where whatever@all.example)" = "acme rest@all.example rest catch-all" ]
}

@test "a domain that takes any address delivers to \"unsorted\"" {
	settings
	[ "$(where me@xn--bcher-kva.example)" = "acme me@xn--bcher-kva.example unsorted domain" ]
	[ "$(where me@BÜCHER.example)" = "acme me@xn--bcher-kva.example unsorted domain" ]
}

@test "a domain does not stand for the domains below it" {
	settings
	[ "$(where info@sub.x.example)" = "hold unroutable" ]
	[ "$(where info@x.example.evil)" = "hold unroutable" ]
}

@test "what the message says in To plays no part" {
	settings
	run -0 where sales@x.example
	[ "$output" = "acme sales@x.example default exact" ]
	[ "$(where)" = "hold no_recipients" ]
}

@test "several addresses of a tenant are one record" {
	settings
	[ "$(envelope info@x.example sales@x.example INFO@x.example | weir-route | jq -c '[.envelope.to, (.recipients|length), .fanout]')" = '[["info@x.example","sales@x.example"],2,null]' ]
}

@test "several tenants get a record each, with nothing of each other's" {
	settings
	envelope info@x.example hq@globex.example secret@all.example | weir-route >out
	[ "$(jq -c '[.tenant, .fanout.n, .fanout.of]' out)" = $'["acme",1,2]\n["globex",2,2]' ]
	[ "$(sed -n 1p out | grep -c globex)" = 0 ]
	[ "$(sed -n 2p out | grep -cE 'acme|info|@x|all.example|secret')" = 0 ]
	[ "$(sed -n 2p out | jq -c .envelope)" = '{"from":"a@b.example","to":["hq@globex.example"],"source":"option"}' ]
}

@test "a recipient nobody has is held in a record of its own; the others get theirs" {
	settings
	envelope nobody@nowhere.example info@x.example typo@globex.example | weir-route >out
	[ "$(jq -c '[.tenant, .fanout, .envelope.to]' out)" = $'[null,{"n":1,"of":2},["nobody@nowhere.example","typo@globex.example"]]\n["acme",{"n":2,"of":2},["info@x.example"]]' ]
	[ "$(jq -r 'select(.hold).hold | [.by,.reason,.retry_s] | @csv' out)" = '"weir-route","unroutable",3600' ]
	[[ $(jq -r 'select(.hold).hold.detail' out) == *"no tenant has the domain nowhere.example"*"globex's, but no such address"* ]]
}

@test "what is no address is unroutable, not an error" {
	settings
	[ "$(where "" x "@x.example" "a@" "a b@x.example")" = "hold unroutable" ]
	[ "$(echo '{"weir":1,"envelope":{"to":[7,null,{}]}}' | weir-route | jq -r .hold.reason)" = unroutable ]
}

@test "a message for more than a thousand recipients is held" {
	settings
	jq -nc '{weir:1,envelope:{to:[range(1000)|"info+\(.)@x.example"]}}' | weir-route | jq -e '.recipients|length == 1000'
	jq -nc '{weir:1,envelope:{to:[range(1001)|"info+\(.)@x.example"]}}' | weir-route | jq -e '.hold.reason == "too_many_recipients"'
}

@test "the policy of the tenant goes along where it is not the default" {
	settings
	weir-tenant set acme scan.encrypted flag
	envelope info@x.example hq@globex.example | weir-route >out
	[ "$(jq -c .policy out)" = $'{"encrypted":"flag"}\nnull' ]
}

@test "--tenant takes what has no envelope" {
	settings
	[ "$(echo '{"weir":1,"id":"x"}' | weir-route --tenant acme)" = '{"weir":1,"id":"x","tenant":"acme","recipients":[{"rcpt":"","address":"","inbox":"default","match":"option"}]}' ]
	[ "$(envelope | weir-route --tenant acme --address Info@X.example | jq -c .recipients)" = '[{"rcpt":"info@x.example","address":"info@x.example","inbox":"support","match":"option"}]' ]
	[ "$(envelope | weir-route --tenant acme --address Info@X.example --inbox old | jq -r .recipients[].inbox)" = old ]
}

@test "--tenant takes recipients nobody has, and keeps what it knows of its own" {
	settings
	[ "$(envelope old@gone.example info+t@x.example | weir-route --tenant acme | jq -c '[.recipients[]|[.address,.match,.inbox]]')" = '[["old@gone.example","option","default"],["info@x.example","tag","support"]]' ]
}

@test "--tenant does not take what is another tenant's" {
	settings
	envelope hq@globex.example info@x.example | weir-route --tenant acme >out
	[ "$(jq -c '[.tenant,.hold.reason,.envelope.to]' out)" = $'[null,"other_tenant",["hq@globex.example"]]\n["acme",null,["info@x.example"]]' ]
}

@test "--tenant with a tenant nobody made is 78 and writes nothing" {
	settings
	run -78 --separate-stderr bash -c 'echo "{\"weir\":1}" | weir-route --tenant nosuch'
	[ -z "$output" ]
	run -64 --separate-stderr weir-route --inbox x
	run -64 --separate-stderr weir-route --tenant acme --inbox "A B"
}

@test "records that were stopped or have a tenant pass untouched" {
	settings
	printf '%s\n' '{"weir":1,"envelope":{"to":["info@x.example"]},"quarantine":{"by":"weir-parse","reason":"unparseable","detail":"d"}}' \
		'{"weir":1,"envelope":{"to":["info@x.example"]}, "tenant":"globex","recipients":[]}' >in
	weir-route <in | cmp - in
}

@test "every other byte of the record stays as it was" {
	settings
	printf '{"weir":1, "a" : [1,\t2], "envelope": {"x":"\\u00e9", "to" : [ "Info@x.example" ], "y":1e2} , "z":{} }\n' | weir-route >out
	printf '{"weir":1, "a" : [1,\t2], "envelope": {"x":"\\u00e9", "to" : ["Info@x.example"], "y":1e2} , "z":{} ,"tenant":"acme","recipients":[{"rcpt":"Info@x.example","address":"info@x.example","inbox":"support","match":"exact"}]}\n' | cmp - out
}

@test "without settings everything is held and nothing is made" {
	run -0 bash -c 'echo "{\"weir\":1,\"envelope\":{\"to\":[\"a@b.example\"]}}" | weir-route'
	[[ $output == *'"reason":"unroutable"'* ]]
	[ ! -e "$WEIR_HOME" ]
}

@test "a damaged line is skipped, the rest goes on, the status is 65" {
	settings
	run -65 --separate-stderr bash -c '{ echo "{"; echo "{\"weir\":1,\"envelope\":{\"to\":[\"info@x.example\"]}}"; } | weir-route'
	[[ $output == *'"tenant":"acme"'* ]]
	[[ $stderr == *"line 1"* ]]
}
