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

@test "an inactive address takes no mail, with a tag or as a catch-all, and nothing takes it in its stead" {
	settings
	weir-address set acme info@x.example --active no
	weir-address set acme rest@all.example --active no
	weir-domain add acme all.example --any
	[ "$(where info@x.example)" = "hold inactive" ]
	[ "$(where Info+tag@x.example)" = "hold inactive" ]
	[ "$(where other@all.example)" = "hold inactive" ]
	envelope info@x.example sales@x.example | weir-route >out
	[ "$(jq -c '[.tenant,.hold.reason,.hold.retry_s,.envelope.to]' out)" = $'[null,"inactive",3600,["info@x.example"]]\n["acme",null,null,["sales@x.example"]]' ]
	[[ $(jq -r .hold.detail out) == *"switched off"* ]]
	# With somebody who is nobody, the detail says which is which.
	[ "$(where info@x.example nobody@x.example)" = "hold unroutable" ]
	[ "$(envelope info@x.example | weir-route --tenant acme | jq -r .hold.reason)" = inactive ]
	weir-address set acme info@x.example --active yes
	[ "$(where info@x.example)" = "acme info@x.example support exact" ]
}

@test "an address that takes no tags is not found with one" {
	settings
	weir-address set acme info@x.example --tags no
	[ "$(where info@x.example)" = "acme info@x.example support exact" ]
	[ "$(where info+a@x.example)" = "hold unroutable" ]
	weir-address add acme all@x.example --catch-all
	[ "$(where info+a@x.example)" = "acme all@x.example default catch-all" ]
	weir-address set acme sales+vip@x.example --tags no
	[ "$(where sales+vip+now@x.example)" = "acme sales@x.example default tag vip+now" ]
}

@test "on the shared domain each address leads to its tenant, and says so; nothing else there does" {
	settings
	weir-tenant platform --shared-domain in.platform.example
	weir-address add acme hello@in.platform.example --inbox support
	weir-address add globex hi@in.platform.example
	[ "$(where Hello@IN.platform.example)" = "acme hello@in.platform.example support exact" ]
	[ "$(where hi+a+b@in.platform.example)" = "globex hi@in.platform.example default tag a+b" ]
	[ "$(envelope hello@in.platform.example sales@x.example | weir-route | jq -c '[.recipients[].shared]')" = '[true,null]' ]
	for a in nobody@in.platform.example +hello@in.platform.example hello@sub.in.platform.example hello@platform.example '"hello"x@in.platform.example'; do
		[ "$(where "$a")" = "hold unroutable" ]
	done
	envelope hello@in.platform.example hi@in.platform.example no@in.platform.example | weir-route >out
	[ "$(jq -c '[.tenant,.envelope.to]' out)" = $'["acme",["hello@in.platform.example"]]\n["globex",["hi@in.platform.example"]]\n[null,["no@in.platform.example"]]' ]
	[ "$(sed -n 2p out | grep -c 'acme\|hello')" = 0 ]
	weir-address set acme hello@in.platform.example --active no
	[ "$(where hello@in.platform.example)" = "hold inactive" ]
	weir-address remove acme hello@in.platform.example
	[ "$(where hello@in.platform.example)" = "hold unroutable" ]
}

@test "the one who swaps gets no mail twice and loses none" {
	settings
	weir-tenant platform --shared-domain in.platform.example
	weir-address add acme old@in.platform.example
	weir-address add acme new@in.platform.example --swap
	[ "$(where old@in.platform.example)" = "hold inactive" ]
	[ "$(where new@in.platform.example)" = "acme new@in.platform.example default exact" ]
}

@test "DMARC's policies go along beside the scanner's" {
	settings
	weir-tenant set acme dmarc.reject hold
	envelope info@x.example hq@globex.example | weir-route >out
	[ "$(jq -c .policy out)" = $'{"dmarc":{"reject":"hold"}}\nnull' ]
}

@test "weir-why tells by which rule a recipient was found, and why another was not" {
	settings
	weir-tenant platform --shared-domain in.platform.example
	weir-address add acme hello@in.platform.example
	weir-address set acme sales@x.example --active no
	mkdir spool
	printf '%s\r\n' 'From: a@b.example' 'Subject: one' 'Message-ID: <one@b.example>' 'Date: Fri, 20 Nov 2026 09:15:00 +0000' '' x |
		weir-spool put spool --name one --from a@b.example --to hello+x@in.platform.example --to sales@x.example
	sh "weir-spool claim spool | weir-parse -r -R spool | weir-route | weir-auth | weir-extract -R spool |
		weir-scan -R spool --db $SAMPLES/signatures | weir-thread | weir-store -R spool | weir-spool ack spool" >/dev/null || [ $? = 75 ]
	weir-why --spool spool one@b.example >out
	grep -q 'weir-route .*hello+x@in.platform.example to inbox default (its address without the tag, on the shared domain)' out
	grep -q 'stopped by  weir-route: inactive: .*switched off' out
}
