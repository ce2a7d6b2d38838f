load common
load dns

# weir-auth's own checks. Most tests take DNS from a file; those that are about name servers start NSD.
setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem 2>/dev/null
	sign() { weir-sign --domain "$1" --selector s --key key.pem; }
	message a.example | sign a.example >signed.eml
	{
		cat <<-'END'
		$ORIGIN a.example.
		@ TXT "v=spf1 ip4:192.0.2.0/24 -all"
		mx TXT "v=spf1 a -all"
		mx A 192.0.2.1
		_dmarc TXT "v=DMARC1; p=reject"
		_dmarc.quarantine.example. TXT "v=DMARC1; p=quarantine"
		_dmarc.none.example. TXT "v=DMARC1; p=none"
		_dmarc.dead.example. SERVFAIL
		dead.example. TIMEOUT
		END
		printf 's._domainkey TXT %s\n' "$(weir-sign --domain a.example --selector s --key key.pem --records | sed 's/.*TXT[ \t]*//')"
	} >zone
}
setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home
	unset WEIR_SPOOL WEIR_DNS
	cd "$BATS_TEST_TMPDIR" || return
	cp "$BATS_FILE_TMPDIR"/{zone,signed.eml,key.pem} .
}
teardown() { dns_stop; }

message() { printf '%s\r\n' "From: Anna <anna@$1>" 'To: b@c.example' 'Subject: hello' 'Date: Fri, 20 Nov 2026 09:15:00 +0000' "Message-ID: <1@$1>" '' 'text'; }

# record FILE [JQ]: a record of a raw message as weir-spool and weir-route make it, changed by JQ.
record() {
	jq -cn --arg path "$(realpath -m "$1")" --argjson size "$(stat -c %s "$1" 2>/dev/null || echo 1)" \
		'{weir:1,id:"'"$(printf '%064d' 1)"'",raw:{path:$path,size:$size},envelope:{from:"anna@a.example",to:["b@c.example"],source:"option",ip:"192.0.2.1",helo:"mx.a.example"}} | '"${2:-.}"
}
results() { jq -r '[.auth.spf.result,.auth.dkim.result,.auth.dmarc.result]|join(" ")'; }
auth() { weir-auth --dns zone "$@"; }

@test "a signed message from an allowed address passes all three, with the grounds" {
	record signed.eml | auth >out
	[ "$(results <out)" = "pass pass pass" ]
	jq -e '.auth | .source == "weir" and .spf.domain == "a.example" and .spf.term == "ip4:192.0.2.0/24" and .spf.ip == "192.0.2.1"
		and (.spf.names | index("txt a.example")) and .spf.helo.result == "pass" and .spf.helo.domain == "mx.a.example"
		and .dkim.signatures[0].domain == "a.example" and .dkim.signatures[0].selector == "s" and .dkim.signatures[0].bits == 2048
		and .dmarc.domain == "a.example" and .dmarc.policy == "reject" and .dmarc.policy_domain == "a.example"
		and .dmarc.dkim_aligned and .dmarc.spf_aligned and (has("spool") | not) and (has("ignored") | not)' out
}

@test "a changed body fails DKIM; with SPF failing too, DMARC fails and says what is asked for" {
	sed 's/^text/TEXT/' signed.eml >changed.eml
	record changed.eml '.envelope.ip = "198.51.100.1"' | auth >out
	[ "$(results <out)" = "fail fail fail" ]
	jq -e '.auth.dmarc | .disposition == "reject" and .action == "flag" and (.reason | length > 20)' out
	[ "$(record changed.eml | auth | results)" = "pass fail pass" ]
	[ "$(record signed.eml '.envelope.ip = "198.51.100.1"' | auth | results)" = "fail pass pass" ]
}

@test "an address nobody knows makes SPF unchecked, never a pass nor a fail; DMARC then needs DKIM" {
	record signed.eml 'del(.envelope.ip)' | auth >out
	[ "$(results <out)" = "unchecked pass pass" ]
	[ "$(jq -r .auth.spf.reason out)" = "the address of the client is not known" ]
	message a.example >unsigned.eml
	[ "$(record unsigned.eml 'del(.envelope.ip)' | auth | results)" = "unchecked none unchecked" ]
	# "none" has no envelope: its empty sender is not the null sender
	[ "$(record unsigned.eml '.envelope.source = "none" | .envelope.from = ""' | auth | jq -r .auth.spf.result)" = unchecked ]
	[ "$(record unsigned.eml '.envelope.ip = "what"' | auth | jq -r .auth.spf.result)" = unchecked ]
	# the null sender: postmaster at the HELO name (RFC 7208 2.4)
	[ "$(record unsigned.eml '.envelope.from = ""' | auth | jq -r '.auth.spf | .result + " " + .domain')" = "pass mx.a.example" ]
}

@test "without the bytes SPF alone is checked" {
	record signed.eml 'del(.raw.path)' | auth >out
	[ "$(results <out)" = "pass unchecked unchecked" ]
}

# What SES writes on top, and what a spool makes of it.
from_ses() {
	mkdir -p spool
	name=abcdefghijklmnopqrstuvwxyz0123456789abcd
	{
		printf '%s\r\n' 'Return-Path: <anna@a.example>' "Received: from ${2:-mx.a.example} (${3:-mx.a.example} [$1])" \
			" by inbound-smtp.eu-west-1.amazonaws.com with SMTP id $name" ' for b@c.example;' ' Mon, 09 Nov 2026 05:42:04 +0000 (UTC)' \
			'X-SES-Spam-Verdict: PASS' 'X-SES-Virus-Verdict: PASS' "Received-SPF: ${4:-pass} (spfCheck: x) client-ip=203.0.113.9; envelope-from=anna@a.example; helo=h;" \
			'Authentication-Results: amazonses.com;' " spf=${4:-pass} (spfCheck: x) client-ip=203.0.113.9; envelope-from=anna@a.example; helo=h;" ' dkim=pass header.i=@a.example;' ' dmarc=pass header.from=a.example;'
		cat signed.eml
	} >"spool/$name"
}

@test "SES's Received field gives the client's address, its verdicts stand beside ours" {
	from_ses 192.0.2.77
	weir-spool list spool | auth >out
	[ "$(results <out)" = "pass pass pass" ]
	jq -e '.auth | .spf.ip == "192.0.2.77" and .spf.ip_from == "ses-header" and .spool.source == "ses-header"
		and .spool.spf.result == "pass" and .spool.dkim.ses == "PASS" and (has("differs") | not)' out
}

@test "where SES and we differ, that is said, and ours counts" {
	from_ses 198.51.100.1
	weir-spool list spool | auth >out
	[ "$(results <out)" = "fail pass pass" ]
	[ "$(jq -c '[.auth.differs, .auth.spool.spf.result]' out)" = '[["spf"],"pass"]' ]
}

@test "a HELO or reverse name cannot put another address in the place of the client's" {
	for helo in 'x ([192.0.2.1])' '[192.0.2.1]' 'x (mx.a.example [192.0.2.1]) with'; do
		from_ses 198.51.100.1 "$helo"
		[ "$(weir-spool list spool | auth | jq -r '.auth.spf | .result + " " + .ip')" = "fail 198.51.100.1" ]
	done
	from_ses 198.51.100.1 h 'x [192.0.2.1])'
	[ "$(weir-spool list spool | auth | jq -r '.auth.spf | .result + " " + .ip')" = "fail 198.51.100.1" ]
	# a second marker: nobody can tell which is SES's, and the block is not taken for SES's
	from_ses 198.51.100.1 'x (y [192.0.2.1]) by inbound-smtp.eu-west-1.amazonaws.com'
	[ "$(weir-spool list --kind ses spool 2>/dev/null | auth | jq -r '.auth.spf.result')" != pass ]
}

@test "the sender's own Received and SES lookalikes further down say nothing" {
	{
		printf '%s\r\n' "Received: from mx.a.example (mx.a.example [192.0.2.1])" \
			' by inbound-smtp.eu-west-1.amazonaws.com with SMTP id x' ' for b@c.example;' ' Mon, 09 Nov 2026 05:42:04 +0000 (UTC)'
		cat signed.eml
	} >forged.eml
	[ "$(record forged.eml 'del(.envelope.ip)' | auth | jq -r .auth.spf.result)" = unchecked ]
}

@test "what we cannot check the spool's trusted verdict fills in, and says whose it is; an untrusted one does not" {
	verdicts='{"source":"ses-receipt","spf":"PASS","dkim":"FAIL","dmarc":"PASS"}'
	message a.example >unsigned.eml
	record unsigned.eml "del(.envelope.ip) | .verdicts = $verdicts" | auth >out
	[ "$(results <out)" = "pass none pass" ]
	jq -e '.auth | .spf.source == "ses-receipt" and .spf.ses == "PASS" and .dmarc.source == "ses-receipt" and (.dkim | has("source") | not)
		and .differs == ["dkim"]' out
	record unsigned.eml "del(.envelope.ip) | .verdicts = $verdicts | .verdicts.source = \"my-cousin\"" | auth >out
	[ "$(results <out)" = "unchecked none unchecked" ]
}

@test "DNS that fails is temperror, never fail, and the message goes on" {
	message dead.example >dead.eml
	run -0 --separate-stderr bash -c "$(declare -f record results); record dead.eml '.envelope.from = \"x@dead.example\"' | weir-auth --dns zone | tee out | results"
	[ "$output" = "temperror none temperror" ]
	jq -e 'has("hold") or has("quarantine") | not' out
}

@test "no server at all: everything is temperror, in time, and nothing is lost" {
	port=$(free_port)
	for i in 1 2 3; do record signed.eml ".envelope.from = \"x@d$i.example\""; done >in
	weir-auth --timeout 500 --resolver "127.0.0.1@$port" <in >out
	[ "$(results <out | sort | uniq -c | xargs)" = "3 temperror temperror temperror" ]
}

@test "a dead name server delays no other domain" {
	mkdir zones
	{ printf '$ORIGIN a.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 120\n@ NS ns\nns A 127.0.0.1\n'; sed 1d zone | grep -v '^[a-z_.]*example\.'; } >zones/a.example.zone
	nsd_start zones
	responder_start late.example=silent
	message late.example >late.eml
	{
		record late.eml '.envelope.from = "x@late.example"'
		for i in 1 2 3 4 5 6 7 8 9; do record signed.eml; done
		record late.eml '.envelope.from = "x@late.example"'
	} >in
	weir-auth --timeout 3000 --resolver "127.0.0.1@$RESPONDER_PORT,a.example=127.0.0.1@$NSD_PORT" <in >out
	# out when done: those of the dead domain last
	[ "$(results <out | uniq -c | xargs)" = "9 pass pass pass 2 temperror none temperror" ]
}

@test "a lone message does not wait for the next" {
	mkfifo in
	weir-auth --dns zone <in >out 3>&- &
	exec 9>in
	record signed.eml >&9
	end=$((SECONDS + 20))
	until [ -s out ] || ((SECONDS > end)); do :; done
	[ "$(results <out)" = "pass pass pass" ]
	exec 9>&-
	wait $!
}

@test "what was asked is recorded, and judged again without a network, at its time" {
	message a.example | weir-sign --domain a.example --selector s --key key.pem --expire 3600 >expiring.eml
	record expiring.eml >in
	weir-auth --dns zone --record dns.rec <in >first
	[ "$(results <first)" = "pass pass pass" ]
	weir-auth --replay dns.rec <in | cmp - first
	# as it is in the year 2100, the signature has expired
	[ "$(weir-auth --dns zone --now 2100-01-01 <in | jq -r .auth.dkim.result)" = permerror ]
	# what was not asked then cannot be told now: that is not "it does not exist"
	message none.example >other.eml
	[ "$(record other.eml '.envelope.from = "x@none.example"' | weir-auth --replay dns.rec | results)" = "temperror none temperror" ]
	run -65 --separate-stderr weir-auth --replay zone <in
	[[ $stderr == *"no record of weir-auth --record"* ]]
}

@test "failures are replayed as failures" {
	message dead.example >dead.eml
	record dead.eml '.envelope.from = "x@dead.example"' >in
	weir-auth --dns zone --record dns.rec <in >first
	weir-auth --replay dns.rec <in >again
	[ "$(results <first) $(results <again)" = "temperror none temperror temperror none temperror" ]
}

@test "the tenant's policy: fail with p=reject is flagged, held or delivered" {
	message a.example >m.eml
	bad='.envelope.ip = "198.51.100.1"'
	[ "$(record m.eml "$bad" | auth | jq -r '.auth.dmarc.action + " " + (.hold | tostring)')" = "flag null" ]
	[ "$(record m.eml "$bad | .policy.dmarc.reject = \"deliver\"" | auth | jq -r .auth.dmarc.action)" = deliver ]
	record m.eml "$bad | .policy.dmarc.reject = \"hold\"" | auth >out
	[ "$(jq -r '[.auth.dmarc.action, .hold.by, .hold.reason] | join(" ")' out)" = "hold weir-auth dmarc" ]
	# the other policy is the other's, and a pass is nobody's
	[ "$(record m.eml "$bad | .policy.dmarc.quarantine = \"hold\"" | auth | jq -r .auth.dmarc.action)" = flag ]
	record m.eml '.policy.dmarc = {reject:"hold",quarantine:"hold"}' | auth | jq -e '(has("hold") | not) and (.auth.dmarc | has("action") | not)'
	message quarantine.example >q.eml
	[ "$(record q.eml "$bad | .policy.dmarc.quarantine = \"hold\"" | auth | jq -r .auth.dmarc.action)" = hold ]
	message none.example >n.eml
	record n.eml "$bad | .policy.dmarc = {reject:\"hold\",quarantine:\"hold\"}" | auth | jq -e 'has("hold") | not'
	# also where only the spool has checked
	record m.eml '.verdicts = {source:"ses-receipt",dmarc:"FAIL",dmarc_policy:"reject"} | .policy.dmarc.reject = "hold"' |
		weir-auth --spool-only | jq -e '.hold.reason == "dmarc"'
}

@test "who forges a From is not better off with two of them, or a broken one: the policy for reject holds that, too" {
	bad='.envelope.ip = "198.51.100.1" | .envelope.from = "x@evil.example" | .policy.dmarc.reject = "hold"'
	{ echo 'From: me@evil.example'; message a.example; } >two.eml
	message a.example | sed 's/<anna@a.example>/<anna@a.example@evil.example>/' >broken.eml
	message a.example | sed 's/^From: .*/From: Anna <anna>\r/' >nowhere.eml
	for m in two broken nowhere; do
		record $m.eml "$bad" | auth >out
		jq -e '.auth.dmarc.result == "permerror" and .auth.dmarc.action == "hold" and .hold.reason == "dmarc"
			and (.hold.detail | test("From") and contains("dmarc.reject"))' out || { echo "$m"; cat out; false; }
	done
	record two.eml "$bad | del(.policy)" | auth | jq -e '.auth.dmarc.action == "flag" and (has("hold") | not)'
	record two.eml "$bad | .policy.dmarc.reject = \"deliver\"" | auth | jq -e '.auth.dmarc.action == "deliver"'
	# no From shows nobody; a record that cannot be used is its domain's mistake
	message a.example | grep -v ^From: >none.eml
	record none.eml "$bad" | auth | jq -e '.auth.dmarc.result == "permerror" and (has("hold") | not) and (.auth.dmarc | has("action") | not)'
	printf '_dmarc.wrong.example. TXT "v=DMARC1; p=nonsense"\n' >>zone
	message wrong.example >wrong.eml
	record wrong.eml "$bad" | auth | jq -e '.auth.dmarc.result == "permerror" and (has("hold") | not)'
}

@test "weir-tenant set, weir-route, weir-auth: a held message says why, and goes on when the policy is another" {
	weir-tenant add c
	weir-domain add c c.example --any
	weir-tenant set c dmarc.reject hold
	message a.example >m.eml
	record m.eml '.envelope.ip = "198.51.100.1"' >in
	weir-route <in | auth >held
	jq -e '.hold.reason == "dmarc" and (.hold.detail | test("reject"))' held
	# not judged again before long: some day DNS would not answer, and what could not be checked is delivered
	jq -e '.hold.retry_s == 30 * 86400' held
	# ... and how it gets out again
	jq -e '.hold.detail | contains("weir-tenant set c dmarc.reject flag") and contains("weir-spool release --reason dmarc")' held
	weir-tenant set c dmarc.reject flag
	weir-route <in | auth | jq -e '(has("hold") | not) and .auth.dmarc.action == "flag"'
}

@test "a key that is being tested counts for nothing with DMARC, and that is said where somebody looks" {
	sed 's/k=rsa; /t=y; /' zone >testing	# the same length: one string of TXT
	[ "$(grep -c 't=y' testing)" = 1 ]
	record signed.eml '.envelope.ip = "198.51.100.1"' | weir-auth --dns testing >out
	[ "$(results <out)" = "fail pass fail" ]
	jq -e '.auth.dkim.signatures[0].flags == ["testing"] and (.auth.dmarc.reason | test("signature of a.example passed.*t=y"))' out
	weir-auth --dns testing --mail-from x@a.example --ip 198.51.100.1 signed.eml | grep '^DMARC   fail .*t=y'
	# nobody asks where it makes no difference
	record signed.eml | weir-auth --dns testing | jq -e '.auth.dmarc.result == "pass" and (.auth.dmarc.reason | test("t=y") | not)'
	record signed.eml '.envelope.ip = "198.51.100.1"' | auth | jq -e '.auth.dmarc.result == "pass" and (.auth.dmarc.reason | test("t=y") | not)'
}

@test "Authentication-Results in our own name are ignored and counted" {
	{
		printf '%s\r\n' 'Authentication-Results: mx.us.example; spf=pass; dmarc=pass' 'authentication-results: (c) "MX.US.example" 1; dkim=pass' \
			'Authentication-Results: mx.us.example.evil.example; spf=pass' 'Authentication-Results: other.example; spf=pass'
		message none.example
	} >claims.eml
	record claims.eml '.envelope.ip = "198.51.100.1" | .envelope.from = "x@a.example"' | auth --authserv-id mx.us.example >out
	[ "$(jq -r .auth.ignored out)" = 2 ]
	[ "$(results <out)" = "fail none fail" ]
}

@test "--header: a field as RFC 8601 has it, and nothing of a stranger's unquoted" {
	record signed.eml | auth --header --authserv-id mx.us.example | jq -r .auth.header >field
	grep -qx 'Authentication-Results: mx.us.example;' field
	grep -qP '^\tspf=pass smtp.mailfrom=a.example;$' field
	grep -qP '^\tdkim=pass header.d=a.example header.s=s header.a=rsa-sha256' field
	grep -qP '^\tdmarc=pass header.from=a.example policy.dmarc=reject$' field
	[ "$(awk 'length > 78' field | wc -l)" = 0 ]
	# the domain's owner writes what he likes into his SPF record, the sender into his signature
	printf 'evil.example TXT "v=spf1 exists:x;dmarc=pass.%%{i}.evil.example -all"\n' >>zone
	{ printf 'DKIM-Signature: v=1; a=rsa-sha256; d="x;dmarc=pass"; s=a\r\n\t;dmarc=pass; h=from; bh=; b=\r\n'; message evil.example; } >evil.eml
	record evil.eml '.envelope.from = "\"; dmarc=pass\"@evil.example"' | auth --header --authserv-id mx.us.example | jq -r .auth.header >field
	python3 - field <<-'END'
	import email, email.policy, re, sys
	text = re.sub(r'"(?:[^"\\]|\\.)*"', "Q", open(sys.argv[1]).read())
	clauses = [c.split()[0] for c in text.split(":", 1)[1].split(";")[1:]]
	assert [c.split("=")[0] for c in clauses] == sorted((c.split("=")[0] for c in clauses), key=["spf", "dkim", "dmarc"].index), clauses
	assert not any(c == "dmarc=pass" for c in clauses), clauses
	END
}

@test "--arc: a forwarder's seal that another program made holds, and nothing follows from it" {
	{ printf 'Authentication-Results: mx.a.example; spf=pass smtp.mailfrom=none.example\r\n'; message none.example; } >forwarded.eml
	/usr/bin/python3 - <<-'END'
	import dkim
	message = open("forwarded.eml", "rb").read()
	key = open("key.pem", "rb").read()
	seal = dkim.arc_sign(message, b"s", b"a.example", key, b"mx.a.example")
	open("sealed.eml", "wb").write(b"".join(seal) + message)
	open("broken.eml", "wb").write(b"".join(seal) + message.replace(b"hello", b"HELLO"))
	END
	record sealed.eml '.envelope.ip = "198.51.100.1"' | auth --arc --header --authserv-id mx.us.example >out
	jq -e '.auth.arc == {result:"pass",sets:[{domain:"a.example",selector:"s"}]} and .auth.dmarc.result == "fail"' out
	[[ $(jq -r .auth.header out) == *$'\n\tarc=pass'* ]]
	/usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" <out
	record broken.eml | auth --arc | jq -e '.auth.arc | .result == "fail" and (.reason | length > 5)'
	record sealed.eml | auth | jq -e '.auth | has("arc") | not'
	auth --arc sealed.eml | grep -q '^ARC     pass       1 seal: a.example'
}

@test "a message alone is explained; --json makes a record, -e a status" {
	run -0 auth --ip 192.0.2.1 --mail-from '<anna@a.example>' --helo mx.a.example signed.eml
	grep -q '^Author  a.example$' <<<"$output"
	grep -q '^SPF     pass .*192.0.2.1' <<<"$output"
	grep -q '^DKIM    pass       a.example, key s, rsa-sha256, 2048 bits' <<<"$output"
	grep -q '^DMARC   pass ' <<<"$output"
	auth --eml --header --authserv-id me.example <signed.eml | grep -q '^Authentication-Results: me.example;$'
	[ "$(auth --json signed.eml | jq -r '.auth.dkim.result + " " + .id')" = "pass $(sha256sum <signed.eml | cut -d' ' -f1)" ]
	message a.example >unsigned.eml
	run -1 auth -e --ip 198.51.100.1 --mail-from anna@a.example unsigned.eml signed.eml
	run -0 auth -e signed.eml
	run -65 --separate-stderr auth signed.eml missing.eml
	[[ $stderr == *missing.eml* && $output == *'DMARC   pass'* ]]
}

@test "more files than may be open at a time are explained, and what a shell pipes into <(...)" {
	for i in {1..80}; do ln -s signed.eml "$i.eml"; done
	[ "$(ulimit -n 64; auth [0-9]*.eml | grep -c '^DMARC')" = 80 ]
	auth --now 1800000000 <(cat signed.eml) | cmp - <(auth --now 1800000000 signed.eml)
	run -65 --separate-stderr auth 1.eml missing.eml 2.eml
	[ "$(grep -c ^DMARC <<<"$output")" = 2 ]
	[[ $stderr == "weir-auth: missing.eml: open: No such file or directory" ]]
}

@test "a message is never taken for records, nor records for a message" {
	run -65 --separate-stderr auth <signed.eml
	[ -z "$output" ]
	record signed.eml | auth --eml | grep -q '^DKIM    none'
	run -64 auth --eml signed.eml
	run -64 auth --ip 192.0.2.1 </dev/null
	run -64 auth --spool-only signed.eml
	run -64 auth --replay x </dev/null
	run -64 weir-auth --ip nonsense --dns zone signed.eml
	run -64 weir-auth --timeout 0 --dns zone </dev/null
}

@test "a record names no file outside the folders given, and tells nobody whether it exists" {
	mkdir in
	mv signed.eml in/
	cp in/signed.eml secret.eml
	ln -s ../secret.eml in/link
	for path in "$PWD/secret.eml" "$PWD/in/../secret.eml" "$PWD/in/link" /etc/passwd /proc/self/environ; do
		record in/signed.eml ".raw.path = \"$path\"" | auth -R in >out 2>err || true
		jq -e '(.hold.reason == "denied") and (has("auth") | not)' out
	done
	cp out denied
	record in/signed.eml '.raw.path = "/etc/no-such-file"' | auth -R in >out 2>err || true
	[ "$(jq -r .hold.reason out)" = "$(jq -r .hold.reason denied)" ]
}

@test "a file that is not as the record says is not judged" {
	run -75 --separate-stderr bash -c "$(declare -f record); record signed.eml '.raw.size = 5' | weir-auth --dns zone"
	jq -e '.hold.reason == "again" and (has("auth") | not)' <<<"$output"
}

@test "mail at its limits costs no more than its caps" {
	{ for i in $(seq 40); do printf 'DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=from; bh=x; b=x\r\n' "$i"; done; message a.example; } >many.eml
	record many.eml | auth >out
	jq -e '.auth.dkim | (.signatures | length) == 30 and .unread == 10' out
	{ message a.example; head -c 1000000 /dev/zero; } >nul.eml
	[ "$(record nul.eml | auth | results)" = "pass none pass" ]
	printf '' >empty.eml
	[ "$(record empty.eml | auth | results)" = "pass none permerror" ]
}

@test "WEIR_DNS chooses for the whole pipeline, options go before it" {
	export WEIR_DNS=off
	[ "$(record signed.eml | weir-auth | jq -r .auth.source)" = none ]
	[ "$(record signed.eml | weir-auth --dns zone | results)" = "pass pass pass" ]
	export WEIR_DNS=file:$PWD/zone
	[ "$(record signed.eml | weir-auth | results)" = "pass pass pass" ]
	[ "$(record signed.eml | weir-auth --spool-only | jq -r .auth.source)" = none ]
	WEIR_DNS='no address' run -78 --separate-stderr weir-auth </dev/null
	[[ $stderr == *"no address"* ]]
	WEIR_DNS=file:/nonexistent run -65 --separate-stderr weir-auth </dev/null
}

@test "what comes out is what the schema says" {
	sed 's/^text/TEXT/' signed.eml >changed.eml
	{
		record signed.eml
		record changed.eml '.envelope.ip = "2001:db8::1" | .verdicts = {source:"ses-receipt",spf:"PASS",dkim:"GRAY",dmarc:"FAIL",dmarc_policy:"reject"}'
		record signed.eml 'del(.raw.path, .envelope)'
		record signed.eml '.policy.dmarc.reject = "hold" | .envelope.ip = "198.51.100.1"'
	} | auth --header --authserv-id a.example >out
	[ "$(wc -l <out)" = 4 ]
	/usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" <out
}

@test "weir-show and weir-why say what did not pass, and why" {
	weir-tenant add c
	weir-domain add c c.example --any
	sed 's/^text/TEXT/' signed.eml >changed.eml
	record changed.eml '.envelope.ip = "198.51.100.1" | .verdicts = {source:"ses-receipt",spf:"PASS",dkim:"FAIL",dmarc:"FAIL",dmarc_policy:"reject"} | .id = "'"$(sha256sum <changed.eml | cut -d" " -f1)"'"' |
		weir-parse -r | weir-route | auth | weir-extract | weir-thread | weir-store --allow-unscanned >/dev/null
	id=$(weir-ls messages --json c | jq -r .id)
	weir-show c "$id" | grep -q '^Auth: *spf fail, dkim fail, dmarc fail (asks for reject)$'
	weir-why c "$id" >out
	grep -q '^  weir-auth *spf fail, dkim fail, dmarc fail (asks for reject)' out
	grep -q '^ *spf: .*198.51.100.1' out
	grep -q '^ *dmarc: ' out
	grep -q '^ *spf: SES said pass$' out
}
