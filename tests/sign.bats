load common
load mailbox

# Keys are made once; what is signed is judged by lib/dkim (build/suite/dkim) against the records that weir-sign prints.
setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
	openssl genpkey -algorithm ed25519 -out ed.pem
	both=(--domain acme.example --selector r1 --key rsa.pem --selector e1 --key ed.pem)
	weir-sign "${both[@]}" --records >zone
}
sign() { weir-sign --domain acme.example --selector r1 --key "$BATS_FILE_TMPDIR/rsa.pem" --selector e1 --key "$BATS_FILE_TMPDIR/ed.pem" "$@"; }
judge() { "${WEIR_UNIT:-$TOP/build/unit}/../suite/dkim" --dns "$BATS_FILE_TMPDIR/zone" "$@"; }
results() { judge "$@" | cut -f3 | paste -sd' '; }
message() { printf '%s\r\n' 'From: Office <office@acme.example>' 'To: <a@b.example>' 'Subject: one' 'Date: Fri, 20 Nov 2026 09:15:00 +0000' 'Message-ID: <1@acme.example>' '' 'text' "$@"; }
b64() { tr -d ' \r\n'; }

@test "the message comes out byte for byte, behind one field for each key" {
	message 'more  text ' '' '' >m
	sign <m >s
	tail -c "$(wc -c <m)" s | cmp - m
	head -c -"$(wc -c <m)" s >fields
	[ "$(grep -c '^DKIM-Signature:' fields)" = 2 ]
	! grep -v '^DKIM-Signature:\|^ ' fields
	[ "$(results s)" = 'pass pass' ]
}

@test "bytes that no text has survive: NUL, bare CR, 8 bits, no line end at the end" {
	{ message; printf 'a\0b\rc\xff\xfe\r\n\r\nend'; } >m
	sign <m >s
	tail -c "$(wc -c <m)" s | cmp - m
	[ "$(results s)" = 'pass pass' ]
}

@test "the new fields end their lines as the message does, and are no longer than 78 columns" {
	message >crlf
	tr -d '\r' <crlf >lf
	sign <crlf | head -12 >a
	! grep -qv $'\r$' a
	sign <lf >b
	! grep -q $'\r' b
	[ "$(awk '{ if (length > m) m = length } END { print m }' b)" -le 78 ]
	[ "$(results b)" = 'pass pass' ]
}

@test "a message without a body, and one of header and no empty line, are signed" {
	printf 'From: a@acme.example\r\n\r\n' | sign >a
	printf 'From: a@acme.example\r\n' | sign >b
	printf 'From: a@acme.example' | sign >c
	[ "$(results a b c)" = 'pass pass pass pass pass pass' ]
}

@test "what is added on the way breaks the signatures: fields that are signed, more than there are" {
	message >m
	sign <m >s
	for f in From:x@acme.example To:x@b.example Cc:x@b.example Subject:x Date:x Message-ID:x Reply-To:x@b.example In-Reply-To:x \
		References:x MIME-Version:1.0 Content-Type:text/html Content-Transfer-Encoding:base64; do
		{ printf '%s\r\n' "$f"; cat s; } >t
		[ "$(results t)" = 'fail fail' ] || { echo "$f: $(results t)"; false; }
	done
	{ printf 'Received: from x\r\n'; cat s; } >t
	[ "$(results t)" = 'pass pass' ]
}

@test "List fields are signed as they are, and a list may add its own where there are none" {
	message >m
	sign <m >s
	{ printf 'List-Id: <l.b.example>\r\n'; cat s; } >t
	[ "$(results t)" = 'pass pass' ]
	{ printf 'List-Id: <l.b.example>\r\n'; message; } | sign >s
	{ printf 'List-Id: <m.b.example>\r\n'; cat s; } >t
	[ "$(results t)" = 'fail fail' ]
}

@test "what breaks RFC 5322 or is not the domain's is refused with the reason, and nothing comes out" {
	refused() {	# refused REASON: the message is on stdin
		cat >m
		run -65 --separate-stderr sign <m
		[ -z "$output" ] && [[ $stderr == *"$1"* ]] || { echo "want: $1, got: $stderr"; false; }
	}
	printf 'To: a@b.example\r\n\r\nx' | refused 'no From field'
	printf '' | refused 'no From field'
	printf '\r\nFrom: a@acme.example\r\n\r\nx' | refused 'no From field'
	printf 'From: a@acme.example\r\nfrom: b@acme.example\r\n\r\nx' | refused 'two From fields'
	printf 'From : a@acme.example\r\nFrom: b@acme.example\r\n\r\nx' | refused 'two From fields'
	printf 'From: a@b.example\r\n\r\nx' | refused 'at b.example'
	printf 'From: a@notacme.example\r\n\r\nx' | refused 'at notacme.example'
	printf 'From: a@example\r\n\r\nx' | refused 'at example'
	printf 'From: a@acme.example, b@b.example\r\n\r\nx' | refused 'at b.example'
	printf 'From: a@acme.example <b@b.example>\r\n\r\nx' | refused 'From'
	printf 'From: nobody\r\n\r\nx' | refused 'From'
	printf 'From: a@[192.0.2.1]\r\n\r\nx' | refused 'no address with a domain'
	printf 'From: g: a@acme.example;\r\n\r\nx' | refused 'a group of addresses'
	printf 'From: a@acme.example\r\nno field\r\n\r\nx' | refused 'a line that is no field'
	printf 'From x Mon Nov 16 12:00:00 2026\r\nFrom: a@acme.example\r\n\r\nx' | refused 'From '
	printf '\xef\xbb\xbfFrom: a@acme.example\r\n\r\nx' | refused 'byte order mark'
	printf 'From: a@acme.example\r\nX: a\rFrom: b@acme.example\r\n\r\nx' | refused 'CR without LF'
	printf 'From: a@acme.example\r\nX: a\0b\r\n\r\nx' | refused 'NUL'
	{ echo 'From: a@acme.example'; printf 'X: %01048576d\n\n' 1; } | refused '1048576 bytes'
	{ for i in $(seq 4000); do echo "X-$i: x"; done; echo 'From: a@acme.example'; } | refused '4000 header fields'
	{ for i in $(seq 244); do echo "To: x$i@b.example"; done; echo 'From: a@acme.example'; } | refused 'too many header fields'
	sed 1d m | sign >s	# 256 names in h= (DKIM_MAX_NAMES) are not too many
	[ "$(results s)" = 'pass pass' ]
}

@test "an address below the domain is signed for, whatever its case and script" {
	printf 'From: a@Service.ACME.example\r\n\r\nx' | sign >a
	printf 'From: a@b\xc3\xbcro.acme.example\r\n\r\nx' | sign >b
	[ "$(results a b)" = 'pass pass pass pass' ]
}

@test "nothing of the message stands in the new fields, whatever it holds" {
	printf 'From: "DKIM-Signature: v=1; d=evil" <a@acme.example>\r\nSubject: x; b=AAAA; d=evil.example\r\n\r\nx' | sign >s
	sed '/^From:/,$d' s >fields
	! grep -qi evil fields
	[ "$(results s)" = 'pass pass' ]
}

@test "a signature expires when it was told to, and a second later" {
	message | sign --expire 100 >s
	t=$(grep -o ' t=[0-9]*' s | head -1 | tr -dc 0-9)
	[ "$(results --now $((t + 100)) s)" = 'pass pass' ]
	[ "$(results --now $((t + 101)) s)" = 'permerror permerror' ]
}

@test "keys that are not to be signed with are refused, and never asked for a password" {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
	openssl pkey -in "$BATS_FILE_TMPDIR/ed.pem" -aes256 -passout pass:x -out locked.pem
	openssl pkey -in "$BATS_FILE_TMPDIR/ed.pem" -pubout -out public.pem
	echo nonsense >nonsense.pem
	message >m
	for f in small.pem:1024 ec.pem:neither locked.pem:password public.pem:private nonsense.pem:private missing.pem:'No such file'; do
		run -78 --separate-stderr weir-sign --domain acme.example --selector s --key "${f%%:*}" <m
		[ -z "$output" ] && [[ $stderr == *"${f%%:*}"*"${f#*:}"* ]] || { echo "$f: $stderr"; false; }
	done
}

@test "options that do not go together are wrong usage" {
	for o in '' '--domain acme.example' "--domain acme.example --key $BATS_FILE_TMPDIR/ed.pem" '--domain acme.example --selector s' \
		"--selector s --key $BATS_FILE_TMPDIR/ed.pem" "--domain acme.example --selector s --key $BATS_FILE_TMPDIR/ed.pem --expire 0"; do
		# shellcheck disable=SC2086
		run -64 weir-sign $o </dev/null
	done
}

@test "a domain and a selector that are none are refused" {
	for o in '--domain example --selector s' '--domain acme..example --selector s' '--domain acme.example --selector a;b' \
		"--domain $(printf 'a%.0s' {1..64}).example --selector s"; do
		# shellcheck disable=SC2086
		run -78 weir-sign $o --key "$BATS_FILE_TMPDIR/ed.pem" </dev/null
	done
}

@test "records: the signed message is staged for its tenant, and the record says where" {
	mkdir in
	message >in/m
	raw in/m | weir-parse -r -R . | jq -c '.tenant = "acme"' >rec
	sign -r -R . <rec >out
	s=$(jq -r .signed.path out)
	[[ $s == "$WEIR_HOME"/run/staging/*/acme/* ]]
	tail -c "$(wc -c <in/m)" "$s" | cmp - in/m
	[ "$(results "$s")" = 'pass pass' ]
	[ "$(jq -r .signed.sha256 out)" = "$(sha256sum "$s" | cut -c1-64)" ]
	[ "$(jq -r .signed.size out)" = "$(stat -c %s "$s")" ]
	[ "$(jq -r '.signed.dkim[] | .domain + " " + .selector + " " + .algorithm' out | paste -sd,)" = 'acme.example r1 rsa-sha256,acme.example e1 ed25519-sha256' ]
	[ "$(jq -c 'del(.signed)' out)" = "$(jq -c . rec)" ]
	/usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json" <out
}

@test "records: what is refused goes to quarantine, the rest is signed; stopped ones pass untouched" {
	mkdir in
	message >in/1
	printf 'From: a@b.example\r\n\r\nx' >in/2
	raw in/1 in/2 in/1 | weir-parse -r -R . >rec
	echo '{"weir":1,"id":"x","hold":{"by":"weir-route","reason":"unroutable"}}' >>rec
	run -65 bash -c "weir-sign -r -R . --domain acme.example --selector e1 --key $BATS_FILE_TMPDIR/ed.pem <rec >out 2>err"
	[ "$(jq -r 'if .signed then "signed" else .quarantine.by // .hold.by end' out | paste -sd' ')" = 'signed weir-sign signed weir-route' ]
	jq -r 'select(.quarantine) | .quarantine.detail' out | grep -q 'at b.example'
}

@test "records: a file outside of the given folders, or one that changed, is not signed" {
	mkdir in elsewhere
	message >in/1
	message >elsewhere/2
	raw in/1 elsewhere/2 | weir-parse -r -R . >rec
	echo more >>in/1
	run bash -c "weir-sign -r -R in --domain acme.example --selector e1 --key $BATS_FILE_TMPDIR/ed.pem <rec >out 2>err"
	[ "$status" = 74 ]
	[ "$(jq -r '.hold.by + " " + .hold.reason' out | paste -sd,)" = 'weir-sign again,weir-sign denied' ]
	! grep -q '"signed"' out
}

@test "the printed records fit into TXT strings and hold the public keys" {
	zone=$BATS_FILE_TMPDIR/zone
	[ "$(grep -o '"[^"]*"' "$zone" | awk '{ if (length > m) m = length } END { print m }')" = 257 ]
	[ "$(sed -n '/^r1/s/.*p=//p' "$zone" | tr -d '" ')" = "$(openssl pkey -in "$BATS_FILE_TMPDIR/rsa.pem" -pubout -outform DER | base64 -w0)" ]
	[ "$(sed -n '/^e1/s/.*p=//p' "$zone" | tr -d '" ')" = "$(openssl pkey -in "$BATS_FILE_TMPDIR/ed.pem" -pubout -outform DER | tail -c 32 | base64 -w0)" ]
}

platform() {
	mkdir -p home
	cat >home/providers.json <<-'EOT'
	{"own": {"platform": "platform.example", "inbound": "mx.platform.example", "feedback": "bounces.platform.example",
		"spf": "include:_spf.platform.example", "ns": [{"name": "ns1.platform.example"}]}}
	EOT
}

@test "a tenant's keys: those of its domain that are active, before and after they are changed" {
	platform
	weir-tenant add acme
	weir-domain add acme s.acme.example --provider own
	printf 'From: a@s.acme.example\r\n\r\nx' >m
	weir-sign --tenant acme --domain s.acme.example <m >s1
	weir-sign --tenant acme --domain s.acme.example --records >zone1
	[ "$("${WEIR_UNIT:-$TOP/build/unit}/../suite/dkim" --dns zone1 s1 | cut -f3 | paste -sd' ')" = 'pass pass' ]
	for i in 1 2 3; do weir-domain rotate --hurry --seen s.acme.example; done
	weir-sign --tenant acme --domain S.Acme.Example <m >s2
	weir-sign --tenant acme --domain s.acme.example --records >zone2
	! cmp -s zone1 zone2
	[ "$("${WEIR_UNIT:-$TOP/build/unit}/../suite/dkim" --dns zone2 s2 | cut -f3 | paste -sd' ')" = 'pass pass' ]
}

@test "a tenant without that domain, or whose provider signs, is told so" {
	platform
	weir-tenant add acme
	weir-tenant add globex
	weir-domain add acme s.acme.example
	weir-domain add globex s.globex.example --provider own
	printf 'From: a@s.acme.example\r\n\r\nx' >m
	run -78 --separate-stderr weir-sign --tenant acme --domain s.acme.example <m
	[[ $stderr == *"no keys of ours"* ]]
	run -65 --separate-stderr weir-sign --tenant acme --domain s.globex.example <m
	[ -z "$output" ] && [[ $stderr == *s.globex.example* ]]
	run -65 --separate-stderr weir-sign --tenant nobody --domain s.acme.example <m
	[ -z "$output" ] && [[ $stderr == *nobody* ]]
	run -64 weir-sign --tenant acme --domain s.acme.example --selector s --key "$BATS_FILE_TMPDIR/ed.pem" <m
}

@test "records: with a tenant's keys only that tenant's mail is signed, whatever its From" {
	platform
	weir-tenant add acme
	weir-domain add acme s.acme.example --provider own
	mkdir in
	printf 'From: a@s.acme.example\r\n\r\nx' >in/m
	raw in/m in/m in/m | weir-parse -r -R . | jq -c '.tenant = ("acme", "globex")' | head -3 | jq -c 'if input_line_number == 3 then del(.tenant) else . end' >rec
	run -65 bash -c 'weir-sign -r -R . --tenant acme --domain s.acme.example <rec >out 2>err'
	[ "$(jq -r 'if .signed then .tenant + " signed" else (.tenant // "none") + " " + .quarantine.by end' out | paste -sd,)" = 'acme signed,globex weir-sign,none weir-sign' ]
}
