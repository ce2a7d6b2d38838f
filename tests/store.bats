load common

records() { "$TOP/tests/records.py" "$@"; }
# digest of: what is stored of the records on stdin in a new home, by weir-store with these options.
digest_of() {
	local WEIR_HOME=$BATS_TEST_TMPDIR/$RANDOM$RANDOM
	export WEIR_HOME
	weir-tenant add acme >/dev/null && weir-store "$@" >/dev/null && weir-fsck >/dev/null && weir-fsck --digest acme
}
# one CHANGES: a single good record, changed by a jq program.
one() { records make m 1 | jq -c "${1:-.}"; }

@test "the same mail in any order and any batches, and twice, has one digest" {
	records make m 300 >r
	want=$(digest_of <r)
	[ "$(tac r | digest_of)" = "$want" ]
	[ "$(digest_of -n 1 <r)" = "$want" ]
	[ "$(shuf --random-source=/bin/sh r | digest_of -n 7)" = "$want" ]
	[ "$(cat r r | digest_of)" = "$want" ]
	[ "$(head -299 r | digest_of)" != "$want" ]
}

@test "two pipelines at once into one store lose nothing" {
	records make m 300 >r
	want=$(digest_of <r)
	weir-tenant add acme
	weir-store -n 5 <r >/dev/null & one=$!
	tac r | weir-store -n 3 >/dev/null & two=$!
	wait $one && wait $two
	weir-fsck acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "killed at any moment, then run again: the same store" {
	records make m 400 500 >r
	want=$(digest_of <r)
	seed=${SEED:-$RANDOM}
	echo "seed $seed (SEED=$seed repeats it)"
	RANDOM=$seed
	weir-tenant add acme
	for i in $(seq 12); do
		shuf --random-source=<(yes $seed$i) r | weir-store -n 3 >/dev/null & pid=$!
		# Spins instead of sleeping: from before the first batch to the middle.
		for ((n = RANDOM % 12000; n > 0; n--)); do :; done
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
		weir-fsck acme || { weir-fsck acme; false; }
	done
	weir-store <r >/dev/null
	weir-fsck acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "records that disagree about the same messages: the same store in any order" {
	records make m 60 >r
	# Other readings: another subject, other links, another inbox, another sender, a part taken out.
	printf 'rewritten' >raw2
	sha=$(sha256sum <raw2 | cut -d' ' -f1)
	jq -c --arg p "$PWD/raw2" --arg s "$sha" '., (.message.subject="A"), (.message.references+=["other@x"]), (.message.date.unix=5),
		(.message.message_id="moved@x"), (.recipients[0].inbox="b"|.message.subject="Z"), (.recipients[0].inbox="a"), (.envelope.from="0@x"),
		(if .attachments==[] then empty else .scan={"verdict":"infected","parts":[{"part":"1","verdict":"infected","name":"X"}],"removed":["1"],"raw":{"path":$p,"sha256":$s,"size":9}} end)' r >all
	want=$(digest_of <all)
	for seed in 1 2 3; do
		[ "$(shuf --random-source=<(yes $seed) all | digest_of -n $((seed * 40)))" = "$want" ]
	done
	weir-tenant add acme
	tac all | weir-store >/dev/null
	[ "$(weir-fsck --digest acme)" = "$want" ]
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "a full disk: nothing of the batch stays, and the next run stores it" {
	weir-tenant add acme
	records make m 30 30000 >r
	head -3 r | weir-store >/dev/null
	before=$(weir-fsck --digest acme)
	run -74 --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 300; weir-store <r'
	[ "$(jq -r .hold.reason <<<"$output" | sort | uniq -c | tr -s " ")" = " 30 store_failed" ]
	weir-fsck acme
	[ "$(weir-fsck --digest acme)" = "$before" ]
	weir-store <r >/dev/null
	[ "$(weir-fsck --digest acme)" = "$(digest_of <r)" ]
}

@test "more tenants than stores may be open at once" {
	one >r
	for t in a b c d e f g h; do
		weir-tenant add $t
		jq -c --arg t $t '.tenant=$t' r
	done | grep -v '^[a-z]' >all
	bash -c 'ulimit -n 90; cat all all | weir-store -n 3' | jq -e .stored >/dev/null
	[ "$(weir-fsck --json | jq -s 'map(.messages)|add')" = 8 ]
}

@test "stored says whether the message is new, and in which thread" {
	weir-tenant add acme
	records make m 3 >r
	[ "$(weir-store <r | jq -r .stored.new | sort -u)" = true ]
	[ "$(weir-store <r | jq -r .stored.new | sort -u)" = false ]
	weir-store <r | jq -e '.stored.thread|test("^[0-9a-f]{32}$")'
}

@test "a message for two addresses is one message with two deliveries, whether in one record or two" {
	weir-tenant add acme
	one '.recipients=[{"rcpt":"A@x.example","address":"a@x.example","inbox":"a","match":"exact"},{"rcpt":"b@x.example","address":"b@x.example","inbox":"b","match":"exact"}]' >both
	one '.recipients=[{"rcpt":"A@x.example","address":"a@x.example","inbox":"a","match":"exact"}]' >a
	one '.recipients=[{"rcpt":"b@x.example","address":"b@x.example","inbox":"b","match":"exact"}]' >b
	[ "$(digest_of <both)" = "$(cat b a | digest_of)" ]
	weir-store <both >/dev/null
	[ "$(weir-ls --json messages acme | jq -c '[.deliveries[].address]|sort')" = '["a@x.example","b@x.example"]' ]
}

@test "nothing is stored without auth and scan; the record is held with its reason" {
	weir-tenant add acme
	for why in 'del(.auth) not_authenticated' 'del(.scan) not_scanned' 'del(.tenant) not_routed' \
		'.scan.verdict="infected" infected' '.scan.verdict="maybe" not_scanned' \
		'.scan={"verdict":"unscanned","reason":"encrypted"} not_scanned' \
		'.scan={"verdict":"unscanned","reason":"encrypted","policy":"delete"} not_scanned' \
		'.scan={"verdict":"clean","parts":[{"part":"1","verdict":"infected","name":"X"}]} infected' \
		'.tenant="other" no_tenant' '.recipients=[] not_stored' '.parts=[{"part":"9","kind":"leaf"}] not_stored'; do
		run -65 --separate-stderr weir-store < <(one "${why% *}")
		[ "$(jq -r .hold.reason <<<"$output")" = "${why##* }" ]
		jq -e 'has("stored")|not' <<<"$output"
		[ -n "$stderr" ]
	done
	[ "$(weir-ls --json messages acme)" = "" ]
}

@test "status 75 where waiting may help: the scan ran out of time" {
	weir-tenant add acme
	run -75 --separate-stderr weir-store < <(one '.scan={"verdict":"unscanned","reason":"timeout"}')
	[ "$(jq -r .hold.retry_s <<<"$output")" = 600 ]
}

@test "unscanned parts that the tenant's policy flags are stored" {
	weir-tenant add acme
	one '.scan={"verdict":"unscanned","reason":"encrypted","policy":"flag","parts":[{"part":"1","verdict":"unscanned","reason":"encrypted"}]}' | weir-store | jq -e .stored.new
	weir-ls --json messages acme | jq -e '.scan.policy=="flag"'
}

@test "--allow-unscanned stores, says so on stderr and in the entity; it never lets an infection through" {
	weir-tenant add acme
	run -0 --separate-stderr weir-store --allow-unscanned < <(one 'del(.scan)')
	[[ $stderr == *--allow-unscanned* ]]
	weir-ls --json messages acme | jq -e '.scan.allowed=="--allow-unscanned"'
	run -65 --separate-stderr weir-store --allow-unscanned < <(one '.scan.verdict="infected"')
}

@test "an infected part leaves a stub and no bytes; the rewritten message is what is stored" {
	weir-tenant add acme
	one >r
	printf 'rewritten' >raw2
	sha=$(sha256sum <raw2 | cut -d' ' -f1)
	jq -c --arg p "$PWD/raw2" --arg s "$sha" '.scan={"verdict":"infected","engine":"E","parts":[{"part":"1","verdict":"infected","name":"Eicar"}],"removed":["1"],"raw":{"path":$p,"sha256":$s,"size":9}}' r | weir-store >/dev/null
	weir-ls --json messages acme >e
	jq -e --arg s "$sha" '.raw.sha256==$s and .attachments[0].removed=="Eicar" and .attachments[0].filename=="a0.txt"' e
	weir-fsck acme
	! grep -rq 'attachment 0' "$WEIR_HOME/tenants/acme/blobs"
	# The same message from a stage that found nothing does not bring the bytes back, in either order.
	want=$(weir-fsck --digest acme)
	weir-store <r >/dev/null
	[ "$(weir-fsck --digest acme)" = "$want" ]
	[ "$(cat r <(jq -c --arg p "$PWD/raw2" --arg s "$sha" '.scan={"verdict":"infected","engine":"E","parts":[{"part":"1","verdict":"infected","name":"Eicar"}],"removed":["1"],"raw":{"path":$p,"sha256":$s,"size":9}}' r) | digest_of)" = "$want" ]
}

@test "a record whose bytes changed is held, its neighbours are stored" {
	weir-tenant add acme
	records make m 9 >r
	echo changed >>m/000004.eml
	truncate -s 3 m/000005.eml
	run -65 --separate-stderr weir-store <r
	[ "$(jq -r 'select(.stored).stored.new' <<<"$output" | wc -l)" = 8 ]
	[ "$(jq -r 'select(.hold).spool.name' <<<"$output")" = 000005.eml ]
	weir-fsck acme
}

@test "a file outside the folders is not opened" {
	weir-tenant add acme
	mkdir elsewhere
	one | (cd elsewhere && weir-store 2>/dev/null) | jq -e '.hold.reason=="not_stored"'
	one | (cd elsewhere && weir-store -R "$BATS_TEST_TMPDIR") | jq -e .stored.new
}

@test "large blobs are files of their own, named by digest, mode 0600" {
	weir-tenant add acme
	records make m 2 400000 >r
	weir-store <r >/dev/null
	[ "$(find "$WEIR_HOME"/tenants/acme/blobs/?? -type f -perm 600 | wc -l)" = 2 ]
	for f in "$WEIR_HOME"/tenants/acme/blobs/??/*; do
		[ "$(sha256sum <"$f" | cut -d' ' -f1)" = "${f##*/}" ]
		[ "$(basename "$(dirname "$f")")" = "$(basename "$f" | cut -c1-2)" ]
	done
	[ "$(weir-fsck --digest acme)" = "$(digest_of <r)" ]
}

@test "records that a stage has stopped pass untouched" {
	weir-tenant add acme
	one '.hold={"by":"weir-scan","reason":"x","detail":"y"}' >r
	weir-store <r | cmp - r
}

@test "a line that is no record is told; the others are stored" {
	weir-tenant add acme
	run -65 --separate-stderr weir-store < <(echo '{"weir":1'; one)
	[ "$(jq -r .stored.new <<<"$output")" = true ]
	[[ $stderr == *"line 1"* ]]
}

@test "text, html and headers of a record are not kept twice: options of weir-parse change no digest" {
	one >r
	[ "$(jq -c '.message.text="long"|.message.html="<p>"|.message.headers=[]' r | digest_of)" = "$(digest_of <r)" ]
}

@test "which engine scanned and which spool file it came from do not change the digest" {
	one >r
	[ "$(jq -c '.scan.engine="Other 1"|.scan.db="x"|.spool.name="other"' r | digest_of)" = "$(digest_of <r)" ]
}

@test "one tenant's store holds nothing of another's" {
	weir-tenant add acme
	weir-tenant add globex
	one >r
	jq -c '.tenant="globex"' r | cat r - | weir-store >/dev/null
	[ "$(weir-fsck --json | jq -c '[.tenant,.messages]' | tr -d '\n')" = '["acme",1]["globex",1]' ]
	[ "$(find "$WEIR_HOME/tenants" -type f -links +1 | wc -l)" = 0 ]
}

@test "a lone record does not wait for a full batch" {
	weir-tenant add acme
	one >r
	mkfifo in out
	weir-store <in >out &
	exec 5>in 6<out
	cat r >&5
	read -r -t 20 line <&6
	jq -e .stored.new <<<"$line"
	exec 5>&- 6<&-
	wait
}

@test "a tenant's share is whole though its first record, or one in the middle, is refused; other tenants' lie between" {
	weir-tenant add acme && weir-tenant add globex && weir-tenant add initech
	records make m 30 | jq -c '.tenant = ["acme", "globex", "initech"][input_line_number % 3]' >r
	# In one batch: acme's first and globex's fifth have no proof; initech's are all good.
	first=$(grep -n '"acme"' r | sed -n 1p | cut -d: -f1)
	fifth=$(grep -n '"globex"' r | sed -n 5p | cut -d: -f1)
	jq -c --argjson a "$first" --argjson b "$fifth" 'if input_line_number == $a or input_line_number == $b then del(.scan) else . end' r >in
	run -65 --separate-stderr bash -c 'weir-store -v <in >out'
	[[ $stderr == *"a batch of 30 records"* ]]
	[ "$(jq -r .id in)" = "$(jq -r .id out)" ]
	[ "$(jq -r 'select(.stored) | .tenant' out | sort | uniq -c | xargs)" = '9 acme 9 globex 10 initech' ]
	[ "$(jq -r 'select(.quarantine or .hold) | .tenant' out | sort | xargs)" = 'acme globex' ]
	for t in acme globex initech; do
		[ "$(weir-ls messages --json $t | jq -r .id | sort)" = "$(jq -r "select(.stored and .tenant == \"$t\") | .id" out | sort)" ]
	done
}

@test "a batch goes on beyond 1000 records where tenants are many, and -n says exactly how far" {
	for ((i = 0; i < 110; i++)); do weir-tenant add "t$i" || return; done
	records make m 1200 | jq -c '.tenant = "t\(input_line_number % 110)"' >r
	weir-store -v <r >out 2>err
	[ "$(grep -o 'batch of [0-9]*' err | xargs)" = 'batch of 1100 batch of 100' ]
	[ "$(jq -r 'select(.stored.new) | .id' out | sort -u | wc -l)" = 1200 ]
	for t in t0 t109; do [ "$(weir-ls messages --json $t | wc -l)" = "$(grep -c "\"tenant\":\"$t\"" r)" ]; done
	weir-store -v -n 500 <r 2>err | jq -e 'select(.stored.new)' && return 1
	[ "$(grep -o 'batch of [0-9]*' err | xargs)" = 'batch of 500 batch of 500 batch of 200' ]
	records make m 1200 | jq -c '.tenant = "t1"' >few
	weir-store -v <few 2>err >/dev/null
	[ "$(grep -o 'batch of [0-9]*' err | xargs)" = 'batch of 1000 batch of 200' ]
}
