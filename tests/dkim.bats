load common
load postfix

# lib/dkim against cases of our own (tests/dkim-cases.py), the fixtures and the mail of others, and two other implementations.
suite() { "${WEIR_UNIT:-$TOP/build/unit}/../suite/$@"; }
python=${PYTHON:-/usr/bin/python3}
weir_sign() { weir-sign --domain acme.example --selector r1 --key "$BATS_FILE_TMPDIR/rsa.pem" --selector e1 --key "$BATS_FILE_TMPDIR/ed.pem" "$@"; }

setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
	openssl genpkey -algorithm ed25519 -out ed.pem
	openssl rsa -in rsa.pem -traditional -out rsa1.pem 2>/dev/null	# dkimpy wants PKCS#1
	weir_sign --records >zone
	mkdir mail
	printf '%s\r\n' 'From: Office <office@acme.example>' 'To: <a@b.example>, ' $'\t<b@b.example>' 'Subject: Re:  one' \
		'Date: Fri, 20 Nov 2026 09:15:00 +0000' 'Message-ID: <1@acme.example>' 'MIME-Version: 1.0' 'Content-Type: text/plain' '' >head
	{ cat head; printf 'text  with \t blanks \r\n\r\n.\r\n..\r\n \r\nend\r\n\r\n\r\n'; } >mail/1
	cat head >mail/2	# no body
	{ cat head; printf '\r\n \r\n\t\r\n'; } >mail/3
	{ cat head; printf 'no line end'; } >mail/4	# libopendkim refuses that; SMTP has none such
	{ cat head; printf 'caf\xc3\xa9 \xe9\xff\r\n%s\r\n' "$(printf 'long %.0s' {1..3000})"; } >mail/5
	{ cat head; seq 20000 | sed 's/$/ \r/'; } >mail/6
}

teardown() { postfix_stop; }

@test "cases of our own: no signature is accepted or rejected wrongly" {
	mkdir cases
	"$python" "$TOP/tests/dkim-cases.py" cases
	suite dkim --dns cases/zone --now 1800000000 cases/*.eml >got
	"$python" "$TOP/tests/dkim-compare.py" cases/expected.tsv got
	[ "$(wc -l <cases/expected.tsv)" -ge 400 ]
}

@test "the fixtures of suites/dkim: every signature passes" {
	[ -d "$WEIR_SUITES/dkim/dkim" ] || skip "NO TEST DATA: $WEIR_SUITES/dkim is missing (set WEIR_SUITES)"
	for f in "$WEIR_SUITES"/dkim/dkim/*.txt; do	# key records, an empty line, a message
		sed '/^$/,$d' "$f" | awk '{ n = $1; sub(/^[^ ]+ /, ""); printf "%s. TXT", n
			for (i = 1; i <= length($0); i += 250) printf " \"%s\"", substr($0, i, 250); print "" }' >zone
		sed '1,/^$/d' "$f" >m
		suite dkim --dns zone --now t m >>got	# one of them expires a day after it was signed
	done
	cat got
	[ "$(wc -l <got)" = 8 ]
	[ "$(cut -f3 got | sort | uniq -c | xargs)" = '8 pass' ]
}

@test "body hashes of all signatures in real list mail are what bh= says" {
	[ -e "$WEIR_CORPORA/threads.tar.xz" ] || skip "NO TEST DATA: $WEIR_CORPORA/threads.tar.xz is missing (set WEIR_CORPORA)"
	mkdir mail
	tar -xf "$WEIR_CORPORA/threads.tar.xz" -C mail
	find mail -type f -print0 | xargs -0 "${WEIR_UNIT:-$TOP/build/unit}/../suite/dkim" --hash >got
	cut -f3 got | sort | uniq -c
	[ "$(grep -c $'\tsame\t' got)" -ge 6900 ]
	! grep -v $'\tsame\t' got
}

# tally COMMAND...: "12 pass", of the third column
tally() { "$@" | cut -f3 | sort | uniq -c | xargs; }

@test "what weir signs, libopendkim and dkimpy believe" {
	z=$BATS_FILE_TMPDIR/zone
	for m in "$BATS_FILE_TMPDIR"/mail/*; do
		weir_sign <"$m" >"${m##*/}"
	done
	[ "$(tally suite opendkim verify "$z" [12356])" = '10 pass' ]
	[ "$(tally "$python" "$TOP/tests/dkimpy.py" verify "$z" ?)" = '12 pass' ]
	[ "$(tally suite dkim --dns "$z" ?)" = '12 pass' ]
	sed -i 's/Re:/RE:/' ?
	[ "$(tally suite opendkim verify "$z" ?)" = '12 fail' ]
	[ "$(tally "$python" "$TOP/tests/dkimpy.py" verify "$z" ?)" = '12 fail' ]
	[ "$(tally suite dkim --dns "$z" ?)" = '12 fail' ]
}

@test "what libopendkim and dkimpy sign, weir believes" {
	for m in "$BATS_FILE_TMPDIR"/mail/*; do
		n=${m##*/}
		if [ "$n" != 4 ]; then
			suite opendkim sign acme.example r1 "$BATS_FILE_TMPDIR/rsa.pem" "$m" >"$n.o"
			suite opendkim sign acme.example e1 "$BATS_FILE_TMPDIR/ed.pem" "$m" >"$n.oe"
		fi
		"$python" "$TOP/tests/dkimpy.py" sign acme.example r1 "$BATS_FILE_TMPDIR/rsa1.pem" "$m" >"$n.p"
	done
	[ "$(tally suite dkim --dns "$BATS_FILE_TMPDIR/zone" ?.*)" = '16 pass' ]
	sed -i 's/Re:/RE:/' ?.*
	[ "$(tally suite dkim --dns "$BATS_FILE_TMPDIR/zone" ?.*)" = '16 fail' ]
}

@test "signatures of weir, libopendkim and dkimpy are good after a real Postfix, too" {
	why=$(postfix_why)
	[ -z "$why" ] || skip "NO POSTFIX: $why"
	z=$BATS_FILE_TMPDIR/zone
	mkdir in
	for n in 1 3 5 6; do
		m=$BATS_FILE_TMPDIR/mail/$n
		weir_sign <"$m" >"in/$n.weir"
		suite opendkim sign acme.example r1 "$BATS_FILE_TMPDIR/rsa.pem" "$m" >"in/$n.opendkim"
		"$python" "$TOP/tests/dkimpy.py" sign acme.example r1 "$BATS_FILE_TMPDIR/rsa1.pem" "$m" >"in/$n.dkimpy"
	done
	postfix_start
	for m in in/*; do
		postfix_send "$m" office@acme.example a@b.example
	done
	postfix_wait 12
	[ "$(grep -l '^Received: from.*' "$POSTFIX"/out/* | wc -l)" = 12 ]
	suite dkim --dns "$z" "$POSTFIX"/out/* >got
	cat got
	[ "$(tally cat got)" = '16 pass' ]
	[ "$(tally suite opendkim verify "$z" "$POSTFIX"/out/*)" = '16 pass' ]
	[ "$(tally "$python" "$TOP/tests/dkimpy.py" verify "$z" "$POSTFIX"/out/*)" = '16 pass' ]
}
