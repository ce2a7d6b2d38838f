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
