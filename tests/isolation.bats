load common

# No message of one tenant is to be had through any command that is given another. All that is acme's alone says
# "alpha" somewhere; globex gets a message of its own that answers one of acme's, and one that both got.
setup_file() {
	load common
	export WEIR_HOME=$BATS_FILE_TMPDIR/home SPOOL=$BATS_FILE_TMPDIR/spool
	cd "$BATS_FILE_TMPDIR" || return
	weir-tenant add acme
	weir-domain add acme acme.example
	weir-address add acme a1@acme.example --inbox alphainbox
	weir-address add acme alphahidden@acme.example
	weir-tenant set acme scan.encrypted flag
	weir-tenant add globex
	weir-domain add globex globex.example
	weir-address add globex hq@globex.example
	mkdir spool
	printf '%s\r\n' 'From: Alpha Spy <spy@alpha.example>' 'To: a1@acme.example' 'Subject: alphasubject' 'Message-ID: <m1@one.example>' \
		'Date: Mon, 09 Nov 2026 05:42:00 +0000' 'MIME-Version: 1.0' 'Content-Type: multipart/mixed; boundary=b' '' \
		'--b' 'Content-Type: text/plain' '' 'alphatext' '--b' 'Content-Type: text/html' '' '<p>alphahtml</p>' \
		'--b' 'Content-Type: application/octet-stream; name=alphafile.bin' 'Content-Disposition: attachment; filename=alphafile.bin' '' 'alphabytes' '--b--' |
		weir-spool put spool --name one --from spy@alpha.example --to a1@acme.example
	printf '%s\r\n' 'From: press@news.example' 'To: list@news.example' 'Subject: for both' 'Message-ID: <m2@two.example>' '' 'sharedtext' |
		weir-spool put spool --name two --from press@news.example --to hq@globex.example --to a1@acme.example --to alphahidden@acme.example
	printf '%s\r\n' 'From: c@three.example' 'To: hq@globex.example' 'Subject: Re: hello' 'Message-ID: <m3@three.example>' 'References: <m1@one.example>' '' 'own text' |
		weir-spool put spool --name three --from c@three.example --to hq@globex.example
	printf '%s\r\n' 'From: c@four.example' 'To: x@acme.example' 'Subject: alphaheld' 'Message-ID: <m4@four.example>' '' 'x' |
		weir-spool put spool --name four --from c@four.example --to alphanobody@acme.example
	weir-spool claim spool | weir-parse -r -R spool | weir-route | weir-auth | weir-extract -R spool \
		| weir-scan -R spool --db "$SAMPLES/signatures" | weir-thread | weir-store -R spool | weir-spool ack spool || [ $? = 75 ]
	weir-cat acme m1@one.example --json >one.json
	# Everything by which something of acme's could be named.
	{
		jq -r '.id, .id[:6], .thread, .thread[:12], .node, .attachments[-1].sha256, .deliveries[].spool, .message.message_id' one.json
		printf '%s\n' '<m1@one.example>' m4@four.example four 1.3 alphafile.bin
	} >names
	jq -r .id one.json >id
}

setup() {
	export WEIR_HOME=$BATS_FILE_TMPDIR/home SPOOL=$BATS_FILE_TMPDIR/spool
	unset WEIR_SPOOL
	cd "$BATS_TEST_TMPDIR" || return
	id=$(cat "$BATS_FILE_TMPDIR/id")
}

names() { cat "$BATS_FILE_TMPDIR/names"; }

# nothing COMMAND...: whatever its status, it says nothing of acme's alone.
nothing() {
	"$@" >out 2>err && status=0 || status=$?
	[ "$status" -le 78 ] || { echo "status $status: $*"; cat err; return 1; }
	# Only globex's own, or what was asked for, may stand there.
	sed "s/alphafile.bin//g; s/alphainbox//g" err >>out
	if grep -ai alpha out; then echo "shown by: $*"; return 1; fi
	if grep -qF "$id" out && [[ $* != *"$id"* ]]; then echo "id shown by: $*"; return 1; fi
}

@test "the fixture is what it should be: acme sees its own, globex the shared one and its own" {
	[ "$(weir-ls messages acme | wc -l)" = 2 ]
	[ "$(weir-ls messages globex --json | jq -r .message.message_id | sort | paste -sd,)" = m2@two.example,m3@three.example ]
	weir-show acme m1@one.example | grep -q alphatext
	weir-cat acme m1@one.example --attachment alphafile.bin | grep -q alphabytes
}

@test "every command of weir is looked at here" {
	looked_at=" address auth cat domain event export extract fsck inbox ls parse progress route scan show sign spool store tenant thread why "
	for program in "$WEIR_BIN"/weir-*; do
		[[ $looked_at == *" ${program##*/weir-} "* ]] || { echo "say here what ${program##*/} shows of other tenants"; false; }
	done
}

@test "show, cat: no id, digest, Message-ID or name of another tenant's leads anywhere" {
	names | while read -r name; do
		nothing weir-show globex "$name"
		nothing weir-cat globex "$name"
		nothing weir-cat globex --attachment "$name"
	done
	for how in --json --text --html --headers "--attachment 1" "--attachment 1.3" "--attachment alphafile.bin"; do
		# shellcheck disable=SC2086
		nothing weir-cat globex "$id" $how
	done
}

@test "show, cat: not through a message that both have, nor through one's own in the same thread" {
	for own in m2@two.example m3@three.example; do
		nothing weir-show globex "$own"
		nothing weir-cat globex "$own"
		nothing weir-cat globex "$own" --json
		names | while read -r name; do nothing weir-cat globex "$own" --attachment "$name"; done
	done
}

@test "ls, export: no filter reaches further than the tenant" {
	for what in threads messages attachments inboxes events; do
		nothing weir-ls $what globex
		nothing weir-ls $what globex --json
		nothing weir-ls $what globex --table
		for address in a1@acme.example alphahidden@acme.example; do
			nothing weir-ls $what globex --json --address $address
		done
		nothing weir-ls $what globex --json --inbox alphainbox
	done
	[ "$(weir-ls messages globex --address a1@acme.example | wc -l)" = 0 ]
	[ "$(weir-ls messages globex --inbox alphainbox | wc -l)" = 0 ]
	names | while read -r name; do
		nothing weir-ls messages globex --json --thread "$name"
		nothing weir-ls attachments globex --json --thread "$name"
		nothing weir-export globex --thread "$name"
	done
	nothing weir-export globex
	nothing weir-export globex --jsonl
	weir-export globex --maildir md
	[ "$(ls md/cur | wc -l)" = 2 ]
	[ "$(grep -rail alpha md | wc -l)" = 0 ]
}

@test "why: what is stored or held for others is not there" {
	names | while read -r name; do
		nothing weir-why --spool "$SPOOL" globex "$name"
		nothing weir-why --spool "$SPOOL" --json globex "$name"
	done
	nothing weir-why --spool "$SPOOL" globex two
	[ "$(weir-why --spool "$SPOOL" globex two | grep -c acme)" = 0 ]
}

@test "fsck, scan, tenant, domain, address: given one tenant they speak of it alone" {
	nothing weir-fsck globex
	nothing weir-fsck --json globex
	nothing weir-fsck --digest globex
	nothing weir-scan --missing --tenant globex --db "$SAMPLES/signatures"
	nothing weir-scan --exposed --tenant globex --db "$SAMPLES/signatures"
	[ "$(weir-tenant --json show globex)" = '{"weir":1,"type":"tenant","tenant":"globex","domains":[{"domain":"globex.example"}],"addresses":[{"address":"hq@globex.example","inbox":"default"}]}' ]
	[ "$(weir-domain list globex)" = $'globex.example\tglobex' ]
	[ "$(weir-address list globex)" = $'hq@globex.example\tdefault' ]
}

@test "inboxes, people, signatures, policies and whole settings: given one tenant they speak of it alone" {
	cp -r "$WEIR_HOME" home
	export WEIR_HOME=$PWD/home
	weir-tenant platform --shared-domain in.platform.example
	weir-inbox set acme alphainbox --description alphatext --assignee user:alphaanna
	weir-address set acme a1@acme.example --name alphaname --sender user:alphaanna --signature - <<<alphasignature
	weir-address add acme alphashared@in.platform.example
	weir-tenant set acme duplicates.except alphafax@acme.example
	before=$(weir-tenant export acme)
	for json in '' --json; do
		nothing weir-inbox $json list globex
		nothing weir-inbox $json show globex alphainbox
		nothing weir-address $json list globex
		nothing weir-address $json show globex a1@acme.example
		nothing weir-tenant $json show globex
		nothing weir-tenant $json plan globex </dev/null
		nothing weir-tenant $json plan globex <<<'{"inboxes":[],"addresses":[],"domains":[]}'
	done
	nothing weir-tenant export globex
	# Whatever is tried in globex's name, acme's settings stay, and its address on the shared domain is its own.
	for try in 'weir-address add globex alphashared@in.platform.example' 'weir-address set globex a1@acme.example --name x' \
			'weir-address remove globex alphashared@in.platform.example' 'weir-inbox remove globex alphainbox --successor default' \
			'weir-inbox set globex alphainbox --colour #000000' 'weir-domain add globex sub.acme.example' \
			'weir-domain remove globex globex.example --successor acme.example' \
			'weir-domain remove globex globex.example --successor a1@acme.example'; do
		# shellcheck disable=SC2086
		run -65 $try
	done
	weir-tenant export acme >acme.json
	run -65 weir-tenant apply globex <acme.json
	[ "$(weir-tenant export acme)" = "$before" ]
	[ "$(weir-domain list globex)" = $'globex.example\tglobex' ]
	jq -nc '{weir:1,id:"x",envelope:{to:["alphashared@in.platform.example"]}}' | weir-route --tenant globex | jq -e '.hold.reason == "other_tenant"'
	[ "$(grep -rail alpha home/tenants/globex | wc -l)" = 0 ]
}

@test "event, sign: reports and keys of another tenant's are not there" {
	nothing weir-event list --json globex
	nothing weir-event dmarc --json --table globex
	nothing weir-event tlsrpt --json --table globex
	weir-cat acme m1@one.example >message
	for tenant in globex acme; do
		nothing weir-sign --domain acme.example --tenant $tenant <message
		[ "$status" != 0 ]
	done
	run weir-sign --domain acme.example --tenant globex --records
	[ "$status" != 0 ]
}

@test "nobody changes what is another tenant's" {
	before=$(weir-fsck --digest acme) routes=$(weir-domain list)
	run -65 weir-domain add globex acme.example
	run -65 weir-domain remove globex acme.example
	run -65 weir-address add globex a2@acme.example
	run -65 weir-address remove globex a1@acme.example
	[ "$(weir-fsck --digest acme)" = "$before" ]
	[ "$(weir-domain list)" = "$routes" ]
}

@test "a tenant's name is never a path to another's store" {
	for name in ../acme globex/../acme acme/ ACME '' ..; do
		for cmd in weir-ls weir-export "weir-tenant show" "weir-address list" "weir-fsck --digest"; do
			nothing $cmd -- "$name"
			[ "$status" = 64 ] || [ "$status" = 65 ]
		done
		nothing weir-show -- "$name" m1@one.example
		nothing weir-cat -- "$name" m1@one.example
		nothing weir-why "$name" m1@one.example
	done
}

@test "a record of globex cannot name a file in acme's store, or have it delivered to both" {
	for file in $(find "$WEIR_HOME/tenants/acme" -type f); do
		jq -nc --arg f "$file" --argjson n "$(stat -c %s "$file")" '{weir:1,id:("0"*64),raw:{path:$f,size:$n},tenant:"globex",
			recipients:[{rcpt:"hq@globex.example",address:"hq@globex.example",inbox:"default",match:"exact"}]}'
	done >records
	[ -s records ]
	nothing sh 'weir-parse -r <records'
	nothing sh 'jq -c ". + {message:{},parts:[{part:\"1\",kind:\"leaf\",content_type:\"text/plain\",encoding:\"8bit\",range:[0,5],size:5}],defects:[]}" records | weir-extract'
	nothing sh 'jq -c ". + {message:{},parts:[],defects:[],auth:{source:\"none\"},attachments:[],scan:{verdict:\"clean\",engine:\"x\",db:\"y\"}}" records | weir-store'
	[ "$(weir-ls messages globex | wc -l)" = 2 ]
}

@test "the thread of a reply to another tenant's message is the replying tenant's alone" {
	[ "$(weir-ls globex --json | jq -c 'select(.subject == "Re: hello") | .messages')" = 1 ]
	[ "$(weir-ls acme --json | jq -c 'select(.subject == "alphasubject") | .messages')" = 1 ]
	jq -nc '{weir:1,id:("1"*64),tenant:"globex",message:{message_id:"m5@x",references:["m1@one.example"]}}' >record
	nothing weir-thread <record
}

@test "what both got says nothing of the other, not even that there is one" {
	weir-cat globex m2@two.example --json >entity
	[ "$(grep -cE 'acme|alpha|fanout' entity)" = 0 ]
	[ "$(jq -c '[.deliveries[].address]' entity)" = '["hq@globex.example"]' ]
	[ "$(weir-cat acme m2@two.example --json | grep -c globex)" = 0 ]
}

@test "on disk, nothing of acme's lies in globex's folder, and no file is in both" {
	[ "$(grep -rail alpha "$WEIR_HOME/tenants/globex" | wc -l)" = 0 ]
	[ "$(grep -rail globex "$WEIR_HOME/tenants/acme" | wc -l)" = 0 ]
	[ "$(find "$WEIR_HOME/tenants" -type f -links +1 | wc -l)" = 0 ]
	[ "$(find "$WEIR_HOME/tenants" -type l | wc -l)" = 0 ]
	[ "$(find "$WEIR_HOME/tenants" ! -type d -perm /077 | wc -l)" = 0 ]
}
