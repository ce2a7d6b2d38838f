load common

# A line of a record that names FILE.
record() { printf '{"weir":1,"id":"%064d","raw":{"path":"%s","size":%d}%s}\n' "${2:-0}" "$1" "$(stat -c %s "$1")" "${3:-}"; }

letter() {
	printf 'From: Anna Example <anna@a.example>\r\nTo: bo@b.example, "C, D" <cd@c.example>\r\n'
	printf 'Subject: =?utf-8?B?SGVsbG8gVw==?= =?utf-8?B?b3JsZA==?=\r\nMessage-ID: <1@a.example>\r\n'
	printf 'References: <r1@x> <r2@x>\r\nIn-Reply-To: <r2@x>\r\nDate: Fri, 20 Nov 2026 10:15:00 +0100\r\n'
	printf 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
	printf -- '--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe=\r\n!\r\n'
	printf -- '--b\r\nContent-Type: image/png; name=x.png\r\nContent-Disposition: attachment; filename="logo.png"\r\n'
	printf 'Content-ID: <c1@a>\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n'
}

@test "a message on stdin becomes one record: headers decoded, text in UTF-8, parts with ranges" {
	letter >m.eml
	weir-parse <m.eml >r.json
	[[ $(wc -l <r.json) == 1 ]]
	jq -e '.weir == 1 and .raw.size == '"$(stat -c %s m.eml)"' and (.raw | has("path") | not)' r.json
	[[ $(jq -r .id r.json) == "$(sha256sum <m.eml | cut -d' ' -f1)" ]]
	jq -e '.message | .subject == "Hello World" and .message_id == "1@a.example" and .references == ["r1@x","r2@x"]
		and .in_reply_to == ["r2@x"] and .from == [{"name":"Anna Example","address":"anna@a.example"}]
		and .to[1] == {"name":"C, D","address":"cd@c.example"} and .text == "Grüße!" and .text_part == "1.1"
		and .date == {"utc":"2026-11-20T09:15:00Z","unix":1795166100,"offset":"+0100","raw":"Fri, 20 Nov 2026 10:15:00 +0100"}
		and .preview == "Grüße!" and (.headers | length == 9)' r.json
	jq -e '.parts | map(.part) == ["1","1.1","1.2"]' r.json
	jq -e '.parts[2] | .filename == "logo.png" and .cid == "c1@a" and .content_type == "image/png" and .disposition == "attachment"
		and .encoding == "base64" and .size == 5 and .parent == "1"' r.json
	read -r begin end < <(jq -r '.parts[2].range | "\(.[0]) \(.[1])"' r.json)
	[[ $(tail -c +$((begin + 1)) m.eml | head -c $((end - begin)) | base64 -d) == hello ]]
	jq -e '.defects == []' r.json
}

@test "header ranges are the bytes of the field, repeats stay in order" {
	printf 'Received: one\r\nreceived: two\r\n folded\r\nX-Odd : three\r\n\r\nx' >m.eml
	weir-parse --no-text <m.eml >r.json
	jq -e '.message.headers | map([.name, .value]) == [["Received","one"],["received","two folded"],["X-Odd","three"]]' r.json
	jq -e '.message.headers[1].range == [15, 39]' r.json
	jq -e '.message | has("text") | not' r.json
}

@test "a header field is there decoded and as it was written, folds and all" {
	printf 'Subject: =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=\r\nX-Latin: \344\r\n\r\nx' >m.eml
	weir-parse <m.eml >r.json
	jq -e '.message.headers[0] | .value == "Grüße" and .raw == " =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?="' r.json
	jq -e '.message.headers[1].raw == " \ufffd"' r.json
}

@test "a part's encoding is the one it was sent in, also where nothing is to be decoded" {
	for e in 7bit 8bit binary BASE64 quoted-printable x-what; do
		printf 'MIME-Version: 1.0\r\nContent-Transfer-Encoding: %s\r\n\r\nAAAA\r\n' "$e" | weir-parse -e --no-headers || :
	done | jq -r '.parts[0].encoding' | paste -sd' ' >got
	[ "$(<got)" = '7bit 8bit binary base64 quoted-printable unknown' ]
}

@test "files as operands give a record each, in order, with their absolute path" {
	letter >a.eml; printf 'Subject: b\n\nb\n' >b.eml
	weir-parse -j 2 a.eml ./b.eml >r.json
	[[ $(jq -r .raw.path r.json) == "$PWD/a.eml"$'\n'"$PWD/b.eml" ]]
	[[ $(jq -r .message.subject r.json) == $'Hello World\nb' ]]
}

@test "a file that is missing is said, the others are parsed, 65" {
	letter >a.eml
	run -65 --separate-stderr weir-parse nothing.eml a.eml
	[[ $stderr == "weir-parse: nothing.eml: "* ]]
	[[ $(jq -r .message.subject <<<"$output") == "Hello World" ]]
}

@test "nothing on stdin is no message: 65 and a line; with -r it is no records: 0 and silence" {
	run -65 --separate-stderr weir-parse </dev/null
	[[ -z $output && $stderr == "weir-parse: stdin: "* ]]
	run -0 weir-parse -r </dev/null
	[[ -z $output ]]
}

@test "a mail that looks like a record names no file: stdin is raw unless -r says otherwise" {
	letter >secret.eml
	record "$PWD/secret.eml" >m.eml
	weir-parse <m.eml >r.json
	jq -e '(.raw | has("path") | not) and .message.subject != "Hello World"' r.json
	run ! grep -q Anna r.json
}

@test "-r keeps every byte of the record and appends message, parts, defects; no text unless asked for" {
	letter >m.eml
	record "$PWD/m.eml" 1 ',"mine":{"a":[1, 2.50,"\u00e9"]}' >in
	weir-parse -r <in >out
	cmp <(head -c $(($(stat -c %s in) - 2)) in) <(head -c $(($(stat -c %s in) - 2)) out)
	jq -e '(keys_unsorted | .[-3:]) == ["message","parts","defects"]' out
	jq -e '.message | (has("text") or has("html") or has("headers") | not) and .preview == "Grüße!"' out
	weir-parse -r --text --headers <in | jq -e '.message.text == "Grüße!" and (.message.headers | length) == 9'
}

@test "-r opens nothing outside its folders: that record is held, the next one parsed" {
	mkdir in out; letter >out/m.eml; letter >in/m.eml; ln -s ../out/m.eml in/link.eml
	{ record "$PWD/out/m.eml"; record "$PWD/in/link.eml"; record "$PWD/in/../out/m.eml"; record "$PWD/in/m.eml"; } >records
	run -74 --separate-stderr weir-parse -r -R in <records
	jq -se 'map(has("hold")) == [true, true, true, false] and .[3].message.subject == "Hello World"' <<<"$output"
}

@test "records that are held or quarantined pass untouched" {
	letter >m.eml
	record "$PWD/m.eml" 1 ',"hold":{"by":"x","reason":"y","detail":"z"}' >in
	weir-parse -r <in | cmp - in
}

@test "no text/plain: text is made from HTML, and says so" {
	printf 'Content-Type: text/html\n\n<p>Hi <b>you</b></p><p>there</p>' >m.eml
	weir-parse <m.eml | jq -e '.message | .text_from == "html" and (.text | startswith("Hi you")) and (.html | startswith("<p>")) and .html_part == "1"'
	printf 'Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>Hi</p>\n--b--\n' |
		weir-parse | jq -e '.message | .text_from == "html" and (.text | startswith("Hi")) and .text_part == "1.2"'
	letter | weir-parse | jq -e '.message | (has("html") or has("text_from")) | not'
}

@test "--text-bytes cuts between characters and says so" {
	printf 'Content-Type: text/plain; charset=utf-8\n\nääääää' >m.eml
	weir-parse --text-bytes 5 <m.eml | jq -e '.message.text == "ää" and .message.text_truncated'
	weir-parse --text-bytes 12 <m.eml | jq -e '.message.text == "ääääää" and (.message | has("text_truncated") | not)'
}

@test "message/rfc822, also in base64, is entered; its parts name their parent and container" {
	{ printf 'MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n'
	letter | base64; } >m.eml
	weir-parse <m.eml >r.json
	jq -e '.parts[0] | .kind == "message" and .encoding == "base64"' r.json
	jq -e '.parts[1:] | all(.in == "1") and map(.part) == ["1.1","1.1.1","1.1.2"] and .[0].parent == "1"' r.json
}

@test "inline uuencode and winmail.dat are seen" {
	{ printf 'Subject: x\n\nhello\n'; printf 'hello' | base64 >/dev/null; printf 'begin 644 a.txt\n%%:&5L;&\\\n`\nend\nbye\n'; } |
		weir-parse | jq -e '.parts[1] | .kind == "uuencode" and .filename == "a.txt" and .parent == "1" and (.scan_only | not)'
	printf 'Content-Type: application/ms-tnef; name=winmail.dat\n\nx' | weir-parse | jq -e '.parts[0].tnef'
}

@test "-e: 1 for a message that programs may read differently, 0 for a plain one" {
	letter >m.eml
	run -0 weir-parse -e m.eml
	printf 'Content-Type: text/plain\nContent-Type: text/html\n\nx' >odd.eml
	run -1 weir-parse -e m.eml odd.eml
}

@test "limits: exactly at the limit nothing is said, one more and the defect is there" {
	{ printf 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
	for i in 1 2 3; do printf -- '--b\n\n%d\n' $i; done; printf -- '--b--\n'; } >m.eml
	weir-parse --max-parts 4 <m.eml | jq -e '.defects == [] and (.parts | length) == 4'
	weir-parse --max-parts 3 <m.eml | jq -e '[.defects[].name] | index("too_many_parts")'
	weir-parse --max-depth 2 <m.eml | jq -e '.defects == []'
	weir-parse --max-depth 1 <m.eml | jq -e '[.defects[].name] | index("too_deep")'
	printf 'MIME-Version: 1.0\nContent-Type: text/plain; a=1; b=2\n\nx' >p.eml
	weir-parse --max-params 2 <p.eml | jq -e '.defects == []'
	weir-parse --max-params 1 <p.eml | jq -e '[.defects[].name] | index("too_many_params")'
	printf 'Subject: 1234\n\nx' >h.eml
	weir-parse --max-header-bytes 15 <h.eml | jq -e '.defects == []'
	weir-parse --max-header-bytes 10 <h.eml | jq -e '[.defects[].name] | index("header_too_big")'
}

@test "every defect that is used is in the one table, and none twice" {
	sed -n 's/^\t{ "\([a-z0-9_]*\)", .*/\1/p' "$TOP/lib/defect.c" | sort >words
	[[ $(wc -l <words) -gt 40 && -z $(uniq -d words) ]]
	grep -ho 'mime_defect([^;]*' "$TOP"/lib/*.c | grep -o '"[a-z0-9_]*"' | tr -d '"' | sort -u >used
	[[ -z $(comm -13 words used) ]] || { comm -13 words used; false; }
}

@test "what would kill or starve a parser: bounded in time and memory, accounted for, the neighbours unharmed" {
	letter >ok.eml
	for bomb in $("$TOP/tests/bombs.py"); do
		"$TOP/tests/bombs.py" "$bomb" >bomb.eml
		if [[ ${ASAN_OPTIONS:-} ]]; then limits=(--memory 4000 --timeout 120000); else limits=(--memory 150 --timeout 10000); fi
		status=0
		weir-parse "${limits[@]}" ok.eml bomb.eml ok.eml >out 2>err || status=$?
		[[ $status == 0 || $status == 65 ]] || { echo "$bomb: $status"; cat err; false; }
		jq -se 'length == 3 and (.[0].message.subject, .[2].message.subject) == "Hello World"
			and (.[1] | has("parts") or .quarantine.reason == "unparseable")' out >/dev/null ||
			{ echo "$bomb"; cut -c1-300 out err; false; }
		[[ $status == 0 ]] || echo "# $bomb: $(jq -c .quarantine out | sed -n 2p)" >&3
	done
}

@test "real bounces and messages that broke other parsers: each a record, valid, none lost" {
	[[ -d $WEIR_SUITES/hostile ]] || skip "NO SUITE: $WEIR_SUITES/hostile is missing"
	find "$WEIR_SUITES/hostile" "$WEIR_SUITES/bounces" "$WEIR_SUITES/mime/eml" -type f ! -name '*.json' ! -name '*.tsv' \
		! -name 'COPYING*' ! -name 'LICENSE*' | sort >files
	[[ $(wc -l <files) -gt 200 ]]
	xargs -d '\n' weir-parse -j 2 <files >out
	jq -e . out >/dev/null
	cmp files <(jq -r .raw.path out)
}

@test "both corpora: 6954 real messages, each a valid record, none held, none odd enough to be unparseable" {
	[[ -f $WEIR_CORPORA/threads.tar.xz ]] || skip "NO CORPORA: $WEIR_CORPORA/threads.tar.xz is missing"
	for name in threads attachments; do tar -xJf "$WEIR_CORPORA/$name.tar.xz"; done
	find "$PWD" -name '*.eml' | sort >files
	[[ $(wc -l <files) == 6954 ]]
	xargs -d '\n' weir-parse -j 2 --no-headers <files >out
	cmp files <(jq -r 'if has("parts") and (has("hold") or has("quarantine") | not) then .raw.path else "bad" end' out)
}

@test "parallel workers give the same records in the same order" {
	for i in {1..40}; do letter | sed "s/Hello/$i/" >"$i.eml"; done
	weir-parse -j 1 {1..40}.eml >one
	weir-parse -j 4 {1..40}.eml | cmp - one
}
