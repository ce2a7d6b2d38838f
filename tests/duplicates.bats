load common

# Records with content: copy SECOND FROM SUBJECT TEXT TO...: dated so many seconds after noon, extracted.
copy() {
	local when=$1 from=$2 subject=$3 text=$4
	shift 4
	mkdir -p m
	local name=m/$when.$RANDOM$RANDOM
	printf '%s\r\n' "From: $from" "Subject: $subject" "Message-ID: <$RANDOM$RANDOM.$RANDOM@b.example>" \
		"Date: $(date -u -R -d "2026-11-20 12:00:00 UTC + $when seconds")" '' "$text" >"$name"
	weir-parse "$name" | jq -c --arg from "$from" '. + {envelope:{from:$from,to:$ARGS.positional,source:"option"}}' --args "$@" |
		weir-route | weir-auth | weir-extract | weir-scan --db "$SAMPLES/signatures" | weir-thread
}
store() { weir-store >/dev/null; }
acme() {
	weir-tenant add acme
	weir-domain add acme x.example
	weir-address add acme info@x.example
	weir-address add acme hq@x.example
}
# who is a duplicate of whom, by the second of their dates: "60>0 120>60".
pairs() {
	weir-ls messages acme --json | jq -rs '(map({(.id): (.message.date.unix - 1795176000)}) | add) as $t |
		[.[] | .id as $i | .deliveries[] | select(.duplicate_of) | "\($t[$i])>\($t[.duplicate_of])"] | join(" ")'
}

@test "the same words to the same address within three minutes are flagged, and nothing is lost" {
	acme
	{ copy 0 a@b.example hello words info@x.example; copy 180 a@b.example hello words info@x.example
		copy 361 a@b.example hello words info@x.example; } | store
	[ "$(pairs)" = "180>0" ]
	[ "$(weir-ls messages acme | cut -f2 | tr '\n' .)" = ".=.." ]
	weir-tenant set acme duplicates.window 181s
	[ "$(pairs)" = "180>0 361>180" ]
	[ "$(weir-ls messages acme | wc -l)" = 3 ]
	id=$(weir-ls messages acme --json | jq -r 'select(.deliveries[0].duplicate_of).id' | head -1)
	weir-show acme "$id" | grep -q '^Copy of: [0-9a-f]'
	weir-why acme "$id" | grep -q 'duplicate .*info@x.example'
}

@test "another sender, subject, text or recipient is another message; folding and the case of the sender are not" {
	acme
	{ copy 0 a@b.example 'hello   there' words info@x.example; copy 10 A@B.example 'hello there' words info@x.example
		copy 20 c@b.example 'hello there' words info@x.example; copy 30 a@b.example 'Hello there' words info@x.example
		copy 40 a@b.example 'hello there' 'words!' info@x.example; copy 50 a@b.example 'hello there' words hq@x.example; } | store
	[ "$(pairs)" = "10>0" ]
}

@test "in whatever order and batches they come, and in an index made again, the same ones are flagged" {
	acme
	{ copy 0 a@b.example hello words info@x.example; copy 60 a@b.example hello words info@x.example hq@x.example
		copy 100 a@b.example hello words hq@x.example; copy 120 a@b.example hello words info@x.example; } >r
	store <r
	want=$(pairs) digest=$(weir-fsck --digest acme)
	[ "$want" = "60>0 100>60 120>60" ]
	weir-fsck acme
	weir-fsck --rebuild acme
	weir-fsck acme
	[ "$(pairs)" = "$want" ]
	[ "$(weir-fsck --digest acme)" = "$digest" ]
	for order in 'tac r' 'sed -n "3p;1p;4p;2p" r' 'cat r r'; do
		rm -rf "$WEIR_HOME/tenants" "$WEIR_HOME/routes"
		acme
		eval "$order" | while read -r line; do echo "$line" | store; done
		[ "$(pairs)" = "$want" ]
		[ "$(weir-fsck --digest acme)" = "$digest" ]
	done
}

@test "an excepted address has no duplicates; 0 switches them off; what is said holds for mail that is there" {
	acme
	{ copy 0 a@b.example hello words info@x.example hq@x.example; copy 1 a@b.example hello words info@x.example hq@x.example; } | store
	[ "$(pairs)" = "1>0 1>0" ]
	weir-tenant set acme duplicates.except 'INFO@x.example, other@y.example'
	[ "$(pairs)" = "1>0" ]
	weir-tenant set acme duplicates.except ''
	weir-tenant set acme duplicates.window 0
	[ "$(pairs)" = "" ]
	weir-tenant set acme duplicates.window 3m
	[ "$(pairs)" = "1>0 1>0" ]
	[ -z "$(weir-tenant show acme | grep duplicates)" ]
}

@test "of the same second, one is the other's duplicate and not both" {
	acme
	{ copy 5 a@b.example hello words info@x.example; copy 5 a@b.example hello words info@x.example; } | store
	[ "$(pairs)" = "5>5" ]
}

@test "a message without a date is nobody's duplicate, and none its" {
	acme
	for i in 1 2; do
		printf '%s\r\n' 'From: a@b.example' 'Subject: s' "Message-ID: <$i@b.example>" '' text >"no$i"
		weir-parse "no$i" | jq -c '. + {envelope:{from:"a@b.example",to:["info@x.example"],source:"option"}}' | weir-route | weir-auth |
			weir-extract | weir-scan --db "$SAMPLES/signatures" | weir-thread | store
	done
	[ "$(weir-ls messages acme | wc -l)" = 2 ]
	[ "$(weir-ls messages acme --json | jq -r .content | sort -u | wc -l)" = 1 ]
	[ "$(weir-ls messages acme --json | grep -c duplicate_of)" = 0 ]
}

@test "a message whose parts were not all extracted says nothing about what it says" {
	acme
	copy 0 a@b.example hello words info@x.example | jq -c '.attachments = []' | store
	[ "$(weir-ls messages acme --json | jq -r .content)" = null ]
}

@test "content 1 is what weir-record(5) says it is" {
	acme
	copy 0 'A <A@B.example>' 'hello   there' words info@x.example | store
	part=$(printf 'words\r\n' | sha256sum | cut -d' ' -f1)
	want=$(printf 'from a@b.example\nsubject hello there\npart %s\n' "$part" | sha256sum | cut -d' ' -f1)
	weir-ls messages acme --json | jq -r .content
	[ "$(weir-ls messages acme --json | jq -r .content)" = "1:$want" ]
}

@test "another tenant's copy is no copy" {
	acme
	weir-tenant add globex
	weir-domain add globex g.example
	weir-address add globex hq@g.example
	{ copy 0 a@b.example hello words hq@g.example; copy 1 a@b.example hello words info@x.example; } | store
	[ "$(pairs)" = "" ]
}

@test "windows are written in many ways, and what is none is refused" {
	weir-tenant add acme
	while read -r value shown; do
		weir-tenant set acme duplicates.window "$value"
		[ "$(weir-tenant export acme | sed -n 's/.*"window": "\([^"]*\)".*/\1/p')" = "$shown" ] || { echo "$value: not $shown"; weir-tenant export acme; false; }
	done <<-EOT
	10s 10s
	5m 5m
	1d 1d
	2h 2h
	250 250ms
	60000 1m
	-5m 5m
	+5m 5m
	0 0
	0d 0
	366d 366d
	90m 90m
	EOT
	for value in '' x 5w 1.5h 5mm '5 m' 367d 99999999999999999999 '--5m' 31622400001; do
		run -64 --separate-stderr weir-tenant set acme duplicates.window -- "$value"
	done
	run -64 --separate-stderr weir-tenant set acme duplicates.except 'info@x.example nonsense'
	[[ $stderr == *nonsense* ]]
	[ "$(weir-tenant export acme | sed -n 's/.*"window": "\([^"]*\)".*/\1/p')" = 90m ]
}
