load common

acme() { weir-tenant add acme; weir-domain add acme x.example; }
# mail FROM TO SUBJECT [DATE]: one message through a pipeline, by itself.
mail() {
	mkdir -p spool
	printf '%s\r\n' "From: $1" "To: $2" "Subject: $3" "Message-ID: <$RANDOM.$RANDOM@b.example>" \
		"Date: ${4:-Fri, 20 Nov 2026 09:15:00 +0000}" '' "text of $3" | weir-spool put spool --from "$1" --to "$2" >/dev/null
	sh "weir-spool claim spool | weir-parse -r -R spool | weir-route | weir-auth | weir-extract -R spool |
		weir-scan -R spool --db $SAMPLES/signatures | weir-thread | weir-store -R spool | weir-spool ack spool" >/dev/null
}

@test "the inbox \"default\" is always there, in a tenant that has nothing else" {
	weir-tenant add acme
	[ "$(weir-inbox list acme)" = $'default\t0' ]
	run -65 --separate-stderr weir-inbox remove acme default --successor default
	weir-inbox add acme other
	run -65 --separate-stderr weir-inbox remove acme default --successor other
	[[ $stderr == *"always there"* ]]
	weir-inbox set acme default --colour '#AABBCC'
	[ "$(weir-inbox --json show acme default)" = '{"weir":1,"type":"inbox","tenant":"acme","inbox":"default","colour":"#aabbcc","leads":0}' ]
	weir-inbox set acme default --colour ''
	[ "$(weir-inbox list acme | cut -f1 | paste -sd,)" = default,other ]
}

@test "an inbox keeps its colour, description and people; set changes one and leaves the others" {
	weir-tenant add acme
	weir-inbox add acme support --colour '#102030' --description $'for customers\nand others' --assignee user:anna --assignee group:service --assignee user:anna
	weir-inbox set acme support --description 'for customers'
	[ "$(weir-inbox --json show acme support)" = '{"weir":1,"type":"inbox","tenant":"acme","inbox":"support","colour":"#102030","description":"for customers","assignees":["group:service","user:anna"],"leads":0}' ]
	[ "$(weir-inbox show acme support | tail -3)" = $'colour      #102030\ndescription for customers\nassignees   ["group:service","user:anna"]' ]
	weir-inbox set acme support --assignee ''
	[ "$(weir-inbox --json show acme support | jq .assignees)" = null ]
}

@test "an address makes its inbox, and the inbox stays when the address goes" {
	acme
	weir-address add acme info@x.example --inbox support
	[ "$(weir-inbox list acme)" = $'default\t0\nsupport\t1' ]
	weir-address remove acme info@x.example
	[ "$(weir-inbox list acme)" = $'default\t0\nsupport\t0' ]
}

@test "values that break a rule are refused with the rule, and nothing is changed" {
	weir-tenant add acme
	weir-inbox add acme support --colour '#102030'
	before=$(weir-tenant export acme)
	for args in '--colour red' '--colour #12345' '--colour #1234567' '--assignee anna' '--assignee user:' '--assignee user:A' \
			"--assignee user:$(printf 'a%.0s' {1..124})" "--description $(printf 'a%.0s' {1..2001})" $'--description \e[31m'; do
		# shellcheck disable=SC2086
		run -65 --separate-stderr weir-inbox set acme support $args
		[[ $stderr == *"${args%% *}"* || $stderr == *colour* || $stderr == *assignees* || $stderr == *description* ]]
	done
	weir-inbox set acme support --description "$(printf 'a%.0s' {1..2000})" --assignee "user:$(printf 'a%.0s' {1..123})"
	weir-inbox set acme support --description '' --assignee ''
	[ "$(weir-tenant export acme)" = "$before" ]
	for i in "" .x A "a b" ../x a/b "$(printf 'a%.0s' {1..64})"; do
		run -64 --separate-stderr weir-inbox add acme "$i"
	done
	weir-inbox add acme "$(printf 'a%.0s' {1..63})"
	run -65 --separate-stderr weir-inbox set acme nosuch --colour '#000000'
	[[ $stderr == *nosuch* ]]
	run -64 --separate-stderr weir-inbox set acme support
	run -64 --separate-stderr weir-inbox remove acme support
	[[ $stderr == *--successor* ]]
	run -64 --separate-stderr weir-inbox list acme --colour '#000000'
}

@test "a hundred people look after an inbox, not a hundred and one" {
	weir-tenant add acme
	weir-inbox add acme support $(printf -- '--assignee user:u%d ' {1..100})
	[ "$(weir-inbox --json show acme support | jq '.assignees|length')" = 100 ]
	run -64 --separate-stderr weir-inbox set acme support $(printf -- '--assignee user:u%d ' {1..101})
}

@test "removing an inbox gives its addresses, its domains and all its mail to the successor" {
	acme
	weir-domain add acme y.example --any --inbox old
	weir-address add acme info@x.example --inbox old
	weir-address add acme hq@x.example --inbox new
	mail a@b.example info@x.example one
	mail a@b.example any@y.example two
	mail a@b.example hq@x.example three
	[ "$(weir-ls messages acme --inbox old | wc -l)" = 2 ]
	run -65 --separate-stderr weir-inbox remove acme old --successor nosuch
	run -65 --separate-stderr weir-inbox remove acme old --successor old
	[ "$(weir-ls messages acme --inbox old | wc -l)" = 2 ]
	weir-inbox remove acme old --successor new
	[ "$(weir-address list acme)" = $'hq@x.example\tnew\ninfo@x.example\tnew' ]
	[ "$(weir-ls messages acme --inbox new | wc -l)" = 3 ]
	[ "$(weir-ls messages acme --json | jq -r '.deliveries[].inbox' | sort | uniq -c | tr -s ' ')" = ' 3 new' ]
	[ "$(weir-ls inboxes acme)" = $'3\tnew' ]
	[ "$(weir-inbox list acme | cut -f1 | paste -sd,)" = default,new ]
	mail a@b.example info@x.example four
	[ "$(weir-ls messages acme --inbox new | wc -l)" = 4 ]
	weir-fsck acme
}

@test "what was removed is asked for under its old name too, and that name is not free" {
	acme
	weir-address add acme info@x.example --inbox old
	mail a@b.example info@x.example one
	weir-inbox add acme mid
	weir-inbox remove acme old --successor mid
	weir-inbox remove acme mid --successor default
	[ "$(weir-ls messages acme --inbox old | wc -l)" = 1 ]
	[ "$(weir-ls messages acme --inbox default | wc -l)" = 1 ]
	run -65 --separate-stderr weir-inbox add acme old
	[[ $stderr == *"was removed"* ]]
	run -65 --separate-stderr weir-address add acme b@x.example --inbox mid
	[[ $stderr == *"successor is default"* ]]
	run -65 --separate-stderr weir-inbox show acme old
	[ "$(weir-address list acme)" = $'info@x.example\tdefault' ]
}

@test "mail before and after an inbox went, in any order, and an index made again: the same store" {
	acme
	weir-address add acme info@x.example --inbox old
	mail a@b.example info@x.example one
	mail a@b.example info@x.example two
	weir-inbox add acme new
	weir-inbox remove acme old --successor new
	# A record that was routed before the inbox went and is stored after it.
	jq -c '.deliveries' <(weir-ls messages acme --json) >before
	want=$(weir-fsck --digest acme)
	weir-fsck --rebuild acme
	weir-fsck acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
	[ "$(weir-ls messages acme --inbox new | wc -l)" = 2 ]
	jq -c '.deliveries' <(weir-ls messages acme --json) | cmp - before
}

@test "a record that still names a removed inbox is found with its successor" {
	acme
	weir-inbox add acme new
	weir-inbox add acme old
	weir-inbox remove acme old --successor new
	"$TOP/tests/records.py" make m 2 | jq -c '.recipients = [{rcpt:"a@x.example",address:"a@x.example",inbox:"old",match:"exact"}]' | weir-store >/dev/null
	[ "$(weir-ls messages acme --inbox new | wc -l)" = 2 ]
	[ "$(weir-ls messages acme --json | jq -r '.deliveries[].inbox' | sort -u)" = new ]
	weir-fsck acme
	want=$(weir-fsck --digest acme)
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "a message that both inboxes had is there once" {
	acme
	weir-inbox add acme new
	weir-inbox add acme old
	"$TOP/tests/records.py" make m 1 | jq -c '.recipients = [{rcpt:"a@x.example",address:"a@x.example",inbox:"old",match:"exact"},
		{rcpt:"b@x.example",address:"b@x.example",inbox:"new",match:"exact"}]' >r
	weir-store <r >/dev/null
	weir-inbox remove acme old --successor new
	[ "$(weir-ls messages acme --inbox new | wc -l)" = 1 ]
	weir-store <r >/dev/null
	weir-fsck acme
}

# A home of before: addresses and mail in the inbox "inbox", and no default one.
@test "the inbox \"inbox\" of older homes is an inbox like any other, and is given up like one" {
	acme
	weir-address add acme info@x.example --inbox inbox
	mail a@b.example info@x.example one
	weir-address add acme hq@x.example
	[ "$(weir-inbox list acme)" = $'default\t1\ninbox\t1' ]
	weir-inbox remove acme inbox --successor default
	[ "$(weir-ls messages acme --inbox default | wc -l)" = 1 ]
	[ "$(weir-inbox list acme)" = $'default\t2' ]
}
