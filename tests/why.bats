load common
load stored

@test "a stored message: each stage's reason, by id, Message-ID, path, state name, SES id" {
	id=$(weir-ls messages hausblick --json | jq -r 'select(.message.subject == "Offene Rechnung").id')
	mid=$(weir-cat hausblick "$id" --json | jq -r .message.message_id)
	name=$(weir-cat hausblick "$id" --json | jq -r .deliveries[0].spool)
	weir-why "$id" >out
	grep -q "^hausblick: stored, message $id" out
	grep -q 'weir-route .* to inbox mieter (that is its address)' out
	grep -q 'weir-auth  .*spf softfail' out
	grep -q 'weir-scan  .*infected: Weir.Sample.Eicar' out
	for what in "${id:0:9}" "$mid" "<$mid>" "$name" "in/${name#in%2F}" "${name#in%2F}"; do
		weir-why "$what" | cmp - out
		weir-why --spool "$SPOOL" "$what" | cmp - out
	done
}

@test "a held message: who stopped it, why, and when it is tried again" {
	for what in flat3@postfach.example ga8v97sk14dci18m1lmfskcfed9fh5mfruavr7ku; do
		weir-why --spool "$SPOOL" "$what" >out
		grep -q '^hold: in%2Fga8v97' out
		grep -q 'stopped by  weir-scan: unscanned: .*encrypted' out
		grep -q 'again at 20' out
	done
	WEIR_SPOOL=$SPOOL weir-why r7kfi8udga0g7cpcjn6matb8sbvs4otd39g3kvfs | grep -q 'weir-route: unroutable: .*no tenant has the domain'
}

@test "a message for three tenants is told of three times; with a tenant's name once" {
	[ "$(weir-why --spool "$SPOOL" hk2s809a00jgu6happt4ohsj77n3opvsgopv343q | grep -c ': stored')" = 3 ]
	weir-why --spool "$SPOOL" brueckner hk2s809a00jgu6happt4ohsj77n3opvsgopv343q >out
	[ "$(grep -c ': stored' out)" = 1 ]
	[ "$(grep -cE 'hausblick|stadtwerk' out)" = 0 ]
}

@test "given a tenant, what is held for others or nobody is not there" {
	weir-why --spool "$SPOOL" hausblick flat3@postfach.example
	run -65 --separate-stderr weir-why --spool "$SPOOL" brueckner flat3@postfach.example
	run -65 --separate-stderr weir-why --spool "$SPOOL" brueckner r7kfi8udga0g7cpcjn6matb8sbvs4otd39g3kvfs
	[ -z "$output" ]
}

@test "what no pipeline has seen yet is waiting" {
	mkdir s
	cp "$SAMPLES/hostile/rfc822-qp.eml" s/new.eml
	weir-why --spool s new.eml | grep -q '^waiting: s/new.eml'
}

@test "--json is what stands there, for programs" {
	weir-why --spool "$SPOOL" --json flat3@postfach.example | jq -e '.by == "weir-scan" and .record.tenant == "hausblick"'
}

@test "what is nowhere is 65, and says where it looked" {
	run -65 --separate-stderr weir-why nosuch@x.example
	[[ $stderr == *"--spool"* ]]
	run -65 --separate-stderr weir-why --spool "$SPOOL" 000000000000
	run -64 --separate-stderr weir-why
}
