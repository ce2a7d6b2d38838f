load common

acme() { weir-tenant add acme; weir-domain add acme x.example; }

@test "an address leads to the inbox it was given, or to \"default\"" {
	acme
	weir-address add acme Info@X.example --inbox support
	weir-address add acme sales@x.example
	[ "$(weir-address list acme)" = $'info@x.example\tsupport\nsales@x.example\tdefault' ]
}

@test "adding again moves it to another inbox" {
	acme
	weir-address add acme info@x.example --inbox one
	weir-address add acme INFO@x.example --inbox two
	[ "$(weir-address list acme)" = $'info@x.example\ttwo' ]
}

@test "a domain has one catch-all: the one added last" {
	acme
	weir-address add acme a@x.example --catch-all
	weir-address add acme b@x.example --catch-all
	[ "$(weir-address --json list acme | jq -r 'select(.catch_all).address')" = b@x.example ]
	weir-address add acme b@x.example
	[ -z "$(weir-address --json list acme | jq -r 'select(.catch_all).address')" ]
	weir-address add acme a@x.example --catch-all
	weir-address remove acme a@x.example
	[ "$(weir-tenant show acme)" = $'domain x.example\naddress b@x.example  inbox default' ]
}

@test "an address belongs to a domain the tenant has" {
	acme
	weir-tenant add globex
	run -65 --separate-stderr weir-address add globex info@x.example
	[[ $stderr == *"weir-domain add globex x.example"* ]]
	run -65 --separate-stderr weir-address add acme info@sub.x.example
	[ -z "$(weir-address list globex)" ]
}

@test "what is no address or no inbox is 64" {
	acme
	for a in "" x.example @x.example "a b@x.example" a@; do
		run -64 --separate-stderr weir-address add acme "$a"
	done
	for i in "" .x A "a b" ../x a/b; do
		run -64 --separate-stderr weir-address add acme info@x.example --inbox "$i"
	done
	[ -z "$(weir-address list acme)" ]
}

@test "local parts of all kinds come back as they were, in lower case" {
	acme
	for a in "o'neil%5+x" 'a!#$&*/=?^`{|}~' 'müller'; do
		weir-address add acme "$a@x.example"
	done
	[ "$(weir-address list acme | cut -f1 | sort)" = "$(printf '%s@x.example\n' "o'neil%5+x" 'a!#$&*/=?^`{|}~' 'müller' | sort)" ]
	weir-address remove acme "O'Neil%5+X@x.example"
	[ "$(weir-address list acme | wc -l)" = 2 ]
}

@test "removing what is not there is 65" {
	acme
	run -65 --separate-stderr weir-address remove acme info@x.example
	[[ $stderr == *"no such address"* ]]
}

@test "a name, senders, tags, answers and a signature are kept, changed one by one, and taken away by an empty value" {
	acme
	printf -- '-- \nAcme Gm\xc3\xbcH\n' >sig
	echo '<p>Acme <b>GmbH</b></p>' >sig.html
	weir-address add acme info@x.example --inbox support --name 'Acme "GmbH"' --sender user:anna --sender group:service \
		--tags no --reply-to Answers@X.example --signature sig --signature-html sig.html
	[ "$(weir-address --json show acme info@x.example)" = '{"weir":1,"type":"address","tenant":"acme","address":"info@x.example","inbox":"support","name":"Acme \"GmbH\"","tags":false,"reply_to":"answers@x.example","senders":["group:service","user:anna"],"signature":{"text":"-- \nAcme GmüH\n","html":"<p>Acme <b>GmbH</b></p>\n"},"primary":true}' ]
	weir-address set acme INFO@x.example --signature - <<<'short'
	[ "$(weir-address --json show acme info@x.example | jq -c .signature)" = '{"text":"short\n","html":"<p>Acme <b>GmbH</b></p>\n"}' ]
	weir-address set acme info@x.example --name '' --sender '' --tags yes --reply-to '' --signature /dev/null --signature-html /dev/null
	[ "$(weir-address --json show acme info@x.example)" = '{"weir":1,"type":"address","tenant":"acme","address":"info@x.example","inbox":"support","primary":true}' ]
}

@test "adding again changes the inbox and keeps what is not given" {
	acme
	weir-address add acme info@x.example --inbox one --name Acme --active no
	weir-address add acme info@x.example --inbox two
	[ "$(weir-address --json list acme | jq -c '[.inbox,.name,.active]')" = '["two","Acme",false]' ]
	weir-address set acme info@x.example --active yes
	[ "$(weir-address list acme)" = $'info@x.example\ttwo' ]
}

@test "set is for an address that is there, and wants something to set" {
	acme
	run -65 --separate-stderr weir-address set acme info@x.example --name Acme
	[[ $stderr == *"no such address"* ]]
	run -64 --separate-stderr weir-address set acme info@x.example
	run -64 --separate-stderr weir-address list acme --name x
	run -64 --separate-stderr weir-address remove acme info@x.example --inbox x
	run -65 --separate-stderr weir-address show acme info@x.example
	[ -z "$(weir-address list acme)" ]
}

@test "values that break a rule are refused with the rule, and nothing is changed" {
	acme
	weir-address add acme info@x.example --name Acme
	before=$(weir-tenant export acme)
	head -c 8193 /dev/zero | tr '\0' a >long
	head -c 65537 /dev/zero | tr '\0' a >long.html
	while read -r option value; do
		run --separate-stderr weir-address set acme info@x.example "$option" "$(printf '%b' "$value")"
		[ "$status" = 65 ] || [ "$status" = 64 ] || { echo "$option: $status"; false; }
		[[ $stderr == *"${option#--}"* || $stderr == *signature* || $stderr == *name* || $stderr == *senders* || $stderr == *reply_to* ]] || { echo "$option: $stderr"; false; }
		[ "$(weir-tenant export acme)" = "$before" ]
	done <<-EOT
	--name $(printf 'a%.0s' {1..201})
	--name a\\nb
	--name a\\x1b[31mb
	--name a\\xe2\\x80\\xaeb
	--sender anna
	--sender user:Anna
	--sender user:
	--sender robot:x
	--reply-to nonsense
	--active maybe
	--tags 1
	--signature long
	--signature-html long.html
	--signature nosuchfile
	EOT
	head -c 8192 long >fits
	head -c 65536 long.html >fits.html
	weir-address set acme info@x.example --name "$(printf 'a%.0s' {1..200})" --signature fits --signature-html fits.html
	[ "$(weir-address --json show acme info@x.example | jq '.signature.text|length')" = 8192 ]
}

@test "a local part has 128 bytes at most, and an address 254" {
	acme
	d=$(printf 'd%.0s' {1..61}).$(printf 'd%.0s' {1..61}).x.example
	weir-domain add acme "$d"
	weir-address add acme "$(printf 'a%.0s' {1..128})@x.example"
	run -64 --separate-stderr weir-address add acme "$(printf 'a%.0s' {1..129})@x.example"
	weir-address add acme "$(printf 'a%.0s' $(seq $((253 - ${#d}))))@$d"
	run -64 --separate-stderr weir-address add acme "$(printf 'a%.0s' {1..128})@$d"
	[ "$(weir-address list acme | wc -l)" = 2 ]
}

@test "one address is the primary one: the first, then the one that is told to be, then the first that can send" {
	acme
	primary() { weir-address --json list acme | jq -r 'select(.primary).address'; }
	[ -z "$(primary)" ]
	weir-address add acme m@x.example
	weir-address add acme a@x.example
	[ "$(primary)" = m@x.example ]
	weir-address set acme a@x.example --primary
	[ "$(primary)" = a@x.example ]
	weir-address add acme b@x.example --active no
	run -65 --separate-stderr weir-address set acme b@x.example --primary
	[[ $stderr == *inactive* ]]
	weir-address set acme a@x.example --active no
	[ "$(primary)" = m@x.example ]
	weir-address remove acme m@x.example
	[ "$(primary | wc -l)" = 1 ]
	weir-address set acme b@x.example --active yes
	[ "$(primary)" = b@x.example ]
	weir-address remove acme a@x.example
	weir-address remove acme b@x.example
	[ -z "$(primary)" ]
}

@test "on the shared domain an address has one tenant, and a tenant one active address" {
	weir-tenant platform --shared-domain In.Platform.example
	[ "$(weir-tenant platform)" = "shared-domain in.platform.example" ]
	weir-tenant add acme
	weir-tenant add globex
	weir-address add acme Hello@in.platform.example
	run -65 --separate-stderr weir-address add globex hello@in.platform.example
	[[ $stderr == *"another tenant has the address"* ]]
	run -65 --separate-stderr weir-address add acme other@in.platform.example
	[[ $stderr == *--swap* ]]
	[ "$(weir-address list acme)" = $'hello@in.platform.example\tdefault' ]
	[ -z "$(weir-address list globex)" ]
	weir-address add acme other@in.platform.example --swap --inbox support
	[ "$(weir-address list acme)" = $'hello@in.platform.example\tdefault\tinactive\nother@in.platform.example\tsupport' ]
	# An inactive one is still nobody else's.
	run -65 --separate-stderr weir-address add globex hello@in.platform.example
	weir-address set acme hello@in.platform.example --swap
	[ "$(weir-address list acme)" = $'hello@in.platform.example\tdefault\nother@in.platform.example\tsupport\tinactive' ]
	weir-address remove acme other@in.platform.example
	weir-address add globex other@in.platform.example
}

@test "on the shared domain no address is the platform's, another's with a tag, or a catch-all" {
	weir-tenant platform --shared-domain in.platform.example
	weir-tenant add acme
	for a in postmaster abuse Hostmaster mailer-daemon 'a+b' "o'neil" 'müller' '"a b"' .a a. "$(printf 'a%.0s' {1..65})"; do
		run -65 --separate-stderr weir-address add acme "$a@in.platform.example"
	done
	run -65 --separate-stderr weir-address add acme a@in.platform.example --catch-all
	run -65 --separate-stderr weir-address add acme a@sub.in.platform.example
	[ -z "$(weir-address list acme)" ]
	weir-address add acme "$(printf 'a%.0s' {1..64})@in.platform.example"
	weir-domain add acme x.example
	weir-address add acme a@x.example
	run -64 --separate-stderr weir-address set acme a@x.example --swap
}

@test "the shared domain is no tenant's and is not changed under addresses" {
	acme
	for d in x.example sub.x.example; do
		run -65 --separate-stderr weir-tenant platform --shared-domain $d
		[[ $stderr == *x.example* ]]
	done
	[ -z "$(weir-tenant platform)" ]
	weir-tenant platform --shared-domain in.platform.example
	run -65 --separate-stderr weir-domain add acme in.platform.example
	run -65 --separate-stderr weir-domain add acme sub.in.platform.example
	weir-address add acme hello@in.platform.example
	run -65 --separate-stderr weir-tenant platform --shared-domain other.example
	run -65 --separate-stderr weir-tenant platform --shared-domain ''
	[ "$(weir-tenant platform --json)" = '{"weir":1,"type":"platform","shared_domain":"in.platform.example"}' ]
	weir-address remove acme hello@in.platform.example
	weir-tenant platform --shared-domain other.example
	weir-tenant platform --shared-domain ''
	[ "$(weir-tenant platform --json)" = '{"weir":1,"type":"platform"}' ]
	for d in x '[1.2.3.4]' 'a b' @; do
		run -64 --separate-stderr weir-tenant platform --shared-domain "$d"
	done
}
