load common
load mailbox

setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home
	cd "$BATS_TEST_TMPDIR" || return
	sigs
	printf '%s' "$MARK" >mark
}

verdict() { jq -r '[.scan.verdict, .scan.reason // "-", (.scan.parts // [] | map(.part) | join(",")), .hold.reason // .quarantine.reason // "-"] | join(" ")'; }

# zip_of FILE BYTES: a ZIP with one stored member; no zip program needed.
zip_with() { command -v zip >/dev/null || skip "no zip(1)"; zip -q "$@"; }

@test "a harmless message is clean, and says by which engine and signatures" {
	mail m.eml /etc/hostname
	scan m.eml >out
	[ "$(verdict <out)" = 'clean -  -' ]
	jq -e '.scan.engine | test("^ClamAV [0-9.]+$")' out >/dev/null
	jq -e '.scan.db | test("^[0-9a-f]{32}$")' out >/dev/null
	jq -e '.scan | has("parts") or has("removed") or has("raw") | not' out >/dev/null
}

@test "an infected part is removed: a stub stays, every other byte of the message, nothing of it in staging" {
	mail m.eml mark /etc/hostname
	scan m.eml >out
	[ "$(verdict <out)" = 'infected - 1.2 -' ]
	[ "$(jq -r '.scan.parts[0].name, .scan.removed[0]' out | paste -sd' ')" = 'Test.Mark.UNOFFICIAL 1.2' ]
	new=$(jq -r .scan.raw.path out)
	[ "$(sha256sum "$new" | cut -c1-64)" = "$(jq -r .scan.raw.sha256 out)" ]
	read -r begin end < <(jq -r '.parts[] | select(.part == "1.2") | "\(.range[0]) \(.range[1])"' out)
	{ head -c "$begin" m.eml; tail -c "+$((end + 1))" m.eml; } | cmp - "$new"
	! grep -rq "$MARK" "$WEIR_HOME" || false
	! grep -q "$(base64 mark)" "$new"
}

@test "all of clamav-testfiles as attachments: none is delivered, the rest of each message is, byte for byte" {
	t=/usr/share/clamav-testfiles
	[ -d $t ] || skip "clamav-testfiles is not installed"
	for f in "$t"/*; do mail "$(basename "$f").eml" "$f"; done
	scan ./*.eml >out
	[ "$(wc -l <out)" = "$(ls "$t" | wc -l)" ]
	[ "$(verdict <out | sort -u)" = 'infected - 1.2 -' ]
	jq -r '[.raw.path, .scan.raw.path, (.parts[] | select(.part == "1.2") | .range[0], .range[1])] | @tsv' out |
	while read -r old new begin end; do
		{ head -c "$begin" "$old"; tail -c "+$((end + 1))" "$old"; } | cmp - "$new" || exit 1
	done
	[ "$(jq -r '.parts[] | select(.part == "1.2") | .filename' out | sort)" = "$(ls "$t" | sort)" ]
}

# ---- libclamav says clean to all of these ----

@test "1: a scanner without its temporary folder scans nothing: nothing is clean" {
	mail m.eml /etc/hostname
	extracted m.eml >in
	cat >gone.sh <<-'S'
		# removes the worker's folder as soon as it is there, and keeps it from coming back
		while ! ls -d "$WEIR_HOME"/run/scan.*; do :; done
		for d in "$WEIR_HOME"/run/scan.*; do rm -rf "$d"; : >"$d"; done
	S
	mkfifo pipe
	mkdir -p "$WEIR_HOME/run"
	run -75 bash -c '{ weir-scan -j1 --db db --tmpdir "$WEIR_HOME/run" -R . <pipe >out 2>err; } & exec 3>pipe; bash gone.sh >/dev/null 2>&1; cat in >&3; exec 3>&-; wait $!'
	jq -e '.scan.verdict == "unscanned" and .hold.reason == "unscanned"' out >/dev/null
}

@test "2: eight forked workers find all of 200 infected messages" {
	for i in {1..200}; do { cat mark; echo " $i"; } >"m$i"; mail "$i.eml" "m$i"; done
	extracted ./*.eml | weir-scan -j8 --db db -R . | verdict | sort | uniq -c >out
	[ "$(cat out | sed 's/^ *//')" = '200 infected - 1.2 -' ]
}

@test "3: more members, deeper nesting or more bytes than the limits are not clean" {
	for i in {1..30}; do echo "$i" >"f$i"; done
	zip_with many.zip f*
	cp many.zip deep.zip
	for _ in 1 2 3 4 5; do zip -q x.zip deep.zip; mv x.zip deep.zip; done
	mail many.eml many.zip
	mail deep.eml deep.zip
	extracted many.eml | weir-scan -j1 --db db -R . --max-files 100 | verdict | grep -qx 'clean -  -'
	extracted many.eml | weir-scan -j1 --db db -R . --max-files 20 | verdict | grep -qx 'unscanned too_many 1.2 unscanned'
	extracted deep.eml | weir-scan -j1 --db db -R . --max-depth 3 | verdict | grep -qx 'unscanned too_deep 1.2 unscanned'
	head -c 3000000 /dev/urandom >big
	zip -q big.zip big
	mail big.eml big.zip
	extracted big.eml | weir-scan -j1 --db db -R . --max-total 1000000 | verdict | grep -q '^unscanned too_big'
}

@test "4: a ZIP member over the size limit is not clean, though its front is" {
	{ head -c 3000000 /dev/zero; cat mark; } >big
	zip_with big.zip big
	mail m.eml big.zip
	extracted m.eml | weir-scan -j1 --db db -R . --max-file 2000000 | verdict | grep -qx 'unscanned too_big 1.2 unscanned'
	extracted m.eml | weir-scan -j1 --db db -R . | verdict | grep -qx 'infected - 1.2 -'
}

@test "5: an object over the size limit is not clean and does not crash the worker" {
	head -c 300000 /dev/zero >big
	mail m.eml big
	extracted m.eml | weir-scan -j1 --db db -R . --max-file 200000 | verdict | grep -q '^unscanned too_big 1.2'
}

@test "6: objects of five bytes are called clean, one of six with a signature is found" {
	printf 'abcde' >a; printf 'abcdef' >b
	echo "$(sha256sum a | cut -c1-64):5:Five" >db/s.hsb
	echo "$(sha256sum b | cut -c1-64):6:Six" >>db/s.hsb
	mail m.eml a b
	scan m.eml | verdict | grep -qx 'infected - 1.3 -'
}

@test "7: encrypted archives are not clean" {
	zip_with -P secret e.zip mark
	mail m.eml e.zip
	scan m.eml | verdict | grep -qx 'unscanned encrypted 1.2 unscanned'
	zip -q n.zip e.zip
	mail n.eml n.zip
	scan n.eml | verdict | grep -qx 'unscanned encrypted 1.2 unscanned'
}

@test "8: archives cut short are not clean" {
	head -c 3000 /dev/urandom >r
	zip_with z.zip r
	gzip -c r >r.gz
	for f in z.zip r.gz; do head -c 1500 "$f" >"cut.$f"; mail "$f.eml" "cut.$f"; done
	scan z.zip.eml r.gz.eml | verdict | sort -u | grep -qx 'unscanned corrupt 1.2 unscanned'
	mail ok.eml z.zip r.gz
	scan ok.eml | verdict | grep -qx 'clean -  -'
}

@test "9: RAR and other formats that are not unpacked are not clean" {
	printf 'Rar!\032\007\001\000 and so on' >x.rar
	printf '\050\265\057\375 and so on' >x.zst
	mail m.eml x.rar x.zst
	scan m.eml | verdict | grep -qx 'unscanned unsupported 1.2,1.3 unscanned'
}

@test "10: bytes with the MD5 of others that are clean are scanned all the same" {
	cp "$SAMPLES"/hostile/md5-twins.eml .
	extracted md5-twins.eml | weir-scan -j1 --db "$SAMPLES/signatures" -R . | verdict | grep -q '^infected'
}

# ---- signatures ----

@test "without usable signatures nothing passes and nothing is lost: 78, and every record is held" {
	mail m.eml mark
	extracted m.eml >in
	mkdir none text broken malformed
	echo 'hello' >text/readme.txt
	printf 'rule x { strings: $a = "abc condition: $a }\n' >broken/x.yara
	cp db/test.hdb broken
	echo 'Bad:0:*:zz' >malformed/x.ndb
	for d in none text broken malformed missing; do
		run -78 bash -c "weir-scan --db $d -R . <in >out 2>err"
		[ "$(jq -r '.hold.reason, has("scan")' out | paste -sd' ')" = 'no_signatures false' ]
		[ "$(wc -l <err)" = 1 ]
	done
	run -78 bash -c 'weir-scan --db db --min-signatures 3 -R . <in >out 2>err'
	[ "$(jq -r .hold.reason out)" = no_signatures ]
}

@test "signatures of all kinds: hash, body, logical, YARA; several --db" {
	mkdir more
	echo 'rule Found { strings: $a = "yara-object" condition: $a }' >more/x.yara
	echo 'Logical.One;Engine:81-255,Target:0;(0&1);6c6f676963;6f626a656374' >more/x.ldb
	printf 'a yara-object' >y; printf 'logic and object' >l
	mail m.eml y l mark
	extracted m.eml | weir-scan -j1 --db db --db more -R . |
		jq -r '.scan.parts[].name' | paste -sd' ' | grep -qx 'YARA.Found.UNOFFICIAL Logical.One.UNOFFICIAL Test.Mark.UNOFFICIAL'
}

# ---- the ledger ----

@test "what was scanned is not scanned again, until signatures or limits change" {
	mail m.eml /etc/hostname
	extracted m.eml >in
	weir-scan -j1 --db db -R . <in >out1
	rm -rf m.eml "$WEIR_HOME/run/staging"	# who looked at the bytes would not find them
	again() { weir-scan -j1 --db db -R . "$@" <in 2>err | jq -r '.scan.verdict // .hold.by'; }
	[ "$(again)" = clean ]
	[ "$(again --max-depth 9)" != clean ]
	[ "$(again)" = clean ]
	echo 'Other:0:*:6162636465' >db/other.ndb
	[ "$(again)" != clean ]
}

@test "an infection that was found once is found again, though its bytes are wiped" {
	mail m.eml mark
	extracted m.eml >in
	weir-scan -j1 --db db -R . <in >out1
	weir-scan -j1 --db db -R . <in >out2
	[ "$(jq -c '.scan | del(.raw.path)' out1)" = "$(jq -c '.scan | del(.raw.path)' out2)" ]
}

@test "bytes that are not those that were extracted are unscanned" {
	head -c 300000 /dev/urandom >a
	mail m.eml a
	extracted m.eml >in
	f=$(jq -r '.attachments[1].path' in)
	printf 'x' | dd of="$f" conv=notrunc status=none
	run -75 bash -c 'weir-scan -j1 --db db -R . <in >out'
	verdict <out | grep -qx 'unscanned error 1.2 unscanned'
}

@test "a part that was not extracted is unscanned, a record that never saw weir-extract is refused" {
	mail m.eml mark
	extracted m.eml | jq -c '.attachments |= map(select(.part != "1.2"))' >in
	run -75 bash -c 'weir-scan -j1 --db db -R . <in >out'
	verdict <out | grep -q '^unscanned error 1.2'
	raw m.eml | weir-parse -r -R . >in
	run -65 bash -c 'weir-scan -j1 --db db -R . <in >out 2>err'
	jq -e '.quarantine and (has("scan") | not)' out >/dev/null
}

# ---- policy ----

@test "a tenant's policy for encrypted archives: hold, deliver flagged, or delete" {
	zip_with -P secret e.zip mark
	mail m.eml e.zip
	extracted m.eml >in
	with() { jq -c --argjson p "$1" '.policy = $p' in | weir-scan -j1 --db db -R .; }
	with '{}' | jq -e '.hold.reason == "unscanned" and (.hold.detail | test("encrypted")) and .hold.retry_s > 3600' >/dev/null
	with '{"encrypted":"flag"}' | jq -e '(has("hold") | not) and .scan.verdict == "unscanned" and .scan.policy == "flag" and (.scan | has("removed") | not)' >/dev/null
	with '{"encrypted":"delete"}' >out
	jq -e '(has("hold") | not) and .scan.policy == "delete" and .scan.removed == ["1.2"]' out >/dev/null
	! grep -q "$(base64 -w0 e.zip | cut -c1-40)" "$(jq -r .scan.raw.path out)"
	with '{"too_big":"flag"}' | jq -e 'has("hold")' >/dev/null
}

@test "an infected part goes even if another one keeps the message held" {
	zip_with -P secret e.zip mark
	head -c 300000 /dev/zero >pad; cat mark >>pad
	mail m.eml e.zip pad
	scan m.eml >out
	[ "$(verdict <out)" = 'infected encrypted 1.2,1.3,raw unscanned' ]
	[ ! -e "$(jq -r '.attachments[] | select(.part == "1.3") | .path' out)" ]
}

@test "--allow-unscanned lets it through, loudly, and each record says so" {
	zip_with -P secret e.zip mark
	mail m.eml e.zip
	extracted m.eml | weir-scan -j1 --db db -R . --allow-unscanned >out 2>err
	grep -q 'not scanned is delivered' err
	jq -e '(has("hold") | not) and .scan.verdict == "unscanned" and .scan.allowed == "--allow-unscanned"' out >/dev/null
}

@test "SES found a virus that we do not see: quarantine; with one that we remove, delivery" {
	mail m.eml /etc/hostname
	mail i.eml mark
	extracted m.eml | jq -c '.verdicts = {source:"ses-receipt",virus:"FAIL"}' | weir-scan -j1 --db db -R . >out || [ $? = 65 ]
	jq -e '.quarantine.reason == "infected_message" and .quarantine.detail == "SES.VirusVerdict"' out >/dev/null
	extracted i.eml | jq -c '.verdicts = {source:"ses-receipt",virus:"FAIL"}' | weir-scan -j1 --db db -R . >out
	jq -e '(has("quarantine") | not) and .scan.removed == ["1.2"]' out >/dev/null
}

@test "a message that is infected as a whole goes to quarantine" {
	mail m.eml /etc/hostname
	echo "$(sha256sum m.eml | cut -c1-64):$(stat -c %s m.eml):Whole.Message" >db/m.hsb
	scan m.eml >out || [ $? = 65 ]
	[ "$(jq -r '.quarantine.reason, .quarantine.detail' out | paste -sd' ')" = 'infected_message Whole.Message.UNOFFICIAL' ]
}

@test "a part inside an encoded message takes that message with it, and nothing more" {
	mail inner.eml mark
	printf 'before' >before
	mail m.eml before inner.eml
	sed -i 's|application/octet-stream; name="inner.eml"|message/rfc822|' m.eml
	scan m.eml >out
	jq -e '.scan.verdict == "infected" and (has("hold") or has("quarantine") | not)' out >/dev/null
	[ "$(jq -r '[.scan.removed[] | select(test("^1.3"))] | length > 1' out)" = true ]
	jq -e '.scan.removed | index("1.2") | not' out >/dev/null
}

# ---- nothing may get through: messages that can be read in two ways (reference: libclamav and GMime differ) ----

@test "every known trap for mail readers is found by parts and raw scan together" {
	cp "$SAMPLES"/hostile/*.eml .
	raw ./*.eml | { weir-parse -r -R . || [ $? = 65 ]; } | weir-extract -R . | weir-scan --db "$SAMPLES/signatures" -R . >out 2>err || [ $? = 65 ] || [ $? = 75 ]
	jq -r '[(.raw.path | split("/") | last), .scan.verdict // .quarantine.reason // .hold.reason] | @tsv' out | sort >got
	awk '$1 ~ /\.eml$/ { print $1 "\t" $2 }' "$SAMPLES/hostile/README" | sort | while IFS=$'\t' read -r name want; do
		[ "$want" = any ] && continue
		[ -f "$name" ] || continue
		has=$(awk -F'\t' -v n="$name" '$1 == n { print $2 }' got)
		[[ "|$want|" == *"|$has|"* ]] || { echo "$name: $has, not $want"; exit 1; }
	done
}

# ---- workers ----

# at_work SIGNAL N [option...]: that signal to N workers, one after the other, each while it is at a large message: it has
# read more than the start and its canary take.
at_work() {
	local signal=$1 n=$2 pid='' d read
	shift 2
	head -c 30000000 /dev/urandom >big
	mail slow.eml big
	mail m.eml mark
	mail n.eml /etc/hostname
	extracted n.eml slow.eml m.eml >in
	weir-scan -j1 "$@" --db db -R . <in >out 2>err 3>&- &
	scanner=$!
	while [ "$n" -gt 0 ]; do
		for d in "$WEIR_HOME"/run/scan.*; do
			[ "${d##*.}" != "$pid" ] && read=$(awk '/^rchar/ { print $2 }' "/proc/${d##*.}/io" 2>/dev/null) || continue
			[ "${read:-0}" -gt 20000000 ] || continue
			pid=${d##*.}
			kill "$signal" "$pid"
			n=$((n - 1))
		done
		kill -0 "$scanner" || break
	done
	status=0
	wait "$scanner" || status=$?
}

@test "a worker that is killed costs nothing: the message is given to another one" {
	at_work -KILL 1
	[ "$status" = 0 ] || { cat err; verdict <out; false; }
	[ "$(verdict <out | paste -sd,)" = 'clean -  -,clean -  -,infected - 1.2 -' ]
	[ -z "$(find "$WEIR_HOME/run" -maxdepth 1 -name 'scan.*')" ]
}

@test "a message that two workers died of is unscanned, the others are not affected, nothing is left behind" {
	at_work -KILL 2
	[ "$status" = 75 ]
	[ "$(verdict <out | paste -sd,)" = 'clean -  -,unscanned crash  unscanned,infected - 1.2 -' ]
	[ -z "$(find "$WEIR_HOME/run" -maxdepth 1 -name 'scan.*')" ]
}

@test "a message that takes too long is unscanned, the next one is not" {
	at_work -STOP 1 --timeout 2
	[ "$status" = 75 ]
	[ "$(verdict <out | paste -sd,)" = 'clean -  -,unscanned timeout  unscanned,infected - 1.2 -' ]
}

@test "scratch folders of the dead are removed at the start" {
	mkdir -p "$WEIR_HOME/run/scan.999999999/x"
	weir-scan --db db </dev/null
	[ ! -e "$WEIR_HOME/run/scan.999999999" ]
}

@test "what does not fit into the folder in memory is unpacked on disk, and found there" {
	{ head -c 70000000 /dev/zero; cat mark; } >big
	zip_with big.zip big
	rm big
	mail m.eml big.zip
	extracted m.eml >in
	weir-scan -j1 --db db -R . <in | verdict | grep -qx 'infected - 1.2 -'
	rm -rf "$WEIR_HOME/ledger" "$WEIR_HOME/run"
	extracted m.eml >in
	weir-scan -j1 --db db -R . --tmpdir . <in | verdict | grep -qx 'infected - 1.2 -'
}

@test "mail is scanned where neither a user namespace nor a tmpfs may be had" {
	mail m.eml mark
	extracted m.eml >in
	[ "$(id -u)" = 0 ] || skip "only root can take the right to mount away"
	setpriv --bounding-set=-all --inh-caps=-all --no-new-privs weir-scan -j1 --db db -R . <in | verdict | grep -qx 'infected - 1.2 -'
}

@test "stopped records pass untouched, and no input is no output" {
	echo '{"weir":1,"id":"x","quarantine":{"by":"weir-parse","reason":"unparseable"}}' >in
	weir-scan --db db <in | cmp - in
	[ -z "$(weir-scan --db db </dev/null)" ]
}

# ---- what has been delivered ----

# deliver FILE...: into the store of the tenant acme.
deliver() {
	[ -d "$WEIR_HOME/tenants/acme" ] || weir-tenant add acme
	raw "$@" | weir-parse -r -R . |
		jq -c '.tenant = "acme" | .recipients = [{rcpt:"i@x.example",address:"i@x.example",inbox:"i",match:"exact"}]
		| .envelope = {from:"a@b.example",to:["i@x.example"],source:"option"} | .auth = {source:"none"}' |
		weir-extract -R . | weir-scan -j1 --db db -R . | weir-store -R . >stored
}

@test "--exposed tells what was delivered and is known to be bad today, and nothing else" {
	printf 'a new kind of evil' >evil.bin
	mail m.eml evil.bin mark
	mail n.eml /etc/hostname
	deliver m.eml n.eml
	[ "$(wc -l <stored)" = 2 ]
	[ -z "$(weir-scan --missing --db db)" ]
	[ -z "$(weir-scan --exposed --db db)" ]
	printf 'Evil:0:*:%s\n' "$(printf 'new kind of evil' | od -An -tx1 | tr -d ' \n')" >db/new.ndb
	weir-scan --missing --db db >missing
	[ "$(jq -r 'select(.message == "'"$(sha256sum m.eml | cut -c1-64)"'") | .part' missing | sort | paste -sd' ')" = '1.2 raw' ]
	weir-scan --exposed --db db >out
	[ "$(jq -r '[.type, .tenant, .part, .filename // "-", .name] | join(" ")' out | sort | paste -sd,)" = \
		'exposed acme 1.2 evil.bin Evil.UNOFFICIAL,exposed acme raw - Evil.UNOFFICIAL' ]
	[ "$(jq -r .thread out | sort -u)" = "$(jq -r 'select(.id == "'"$(sha256sum m.eml | cut -c1-64)"'") | .stored.thread' stored)" ]
	[ -z "$(weir-scan --missing --db db)" ]
	run -1 bash -c 'weir-scan --exposed -e --db db >again'
	cmp out again
}

@test "infected text leaves nothing of itself behind, not even in the preview" {
	printf 'From: a@x.example\r\nSubject: s\r\n\r\nhello, %s and more\r\n' "$MARK" >t.eml
	deliver t.eml
	[ "$(jq -r .stored.new stored)" = true ]
	weir-ls messages acme --json | jq -e '.attachments[0].removed == "Test.Mark.UNOFFICIAL" and (.message | has("preview") | not)' >/dev/null
	! grep -rq "$MARK" "$WEIR_HOME" || false
}

@test "--missing and --exposed: no stores is no output, an unknown tenant and clamd are errors" {
	[ -z "$(weir-scan --exposed --db db)" ]
	run ! weir-scan --missing --tenant nobody --db db
	run -64 weir-scan --missing --clamd x
	run -78 weir-scan --exposed --db none
}
