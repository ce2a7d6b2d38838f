# Attacks, each tried end to end: mail that is read in two ways, records that lie, names that are paths.
load common
load mailbox

setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home
	cd "$BATS_TEST_TMPDIR" || return
	sigs
	printf 'some text before %s and after' "$MARK" >mark
	B64=$(base64 -w0 mark)
}

crlf() { sed 's/$/\r/'; }

# try NAME: a message on stdin (LF, head left out) with something bad in it; not_clean looks at all of them at once.
try() {
	{
		printf 'From: a@x.example\nTo: b@y.example\nSubject: t\nMIME-Version: 1.0\n'
		cat
	} | crlf >"$1.eml"
}

# Nothing tried so far may be called clean.
not_clean() {
	scan ./*.eml >out || [ $? = 75 ] || [ $? = 65 ]
	[ "$(wc -l <out)" = "$(ls ./*.eml | wc -l)" ]
	jq -r 'select(.scan.verdict == "clean" or (has("scan") or has("hold") or has("quarantine") | not)) | .raw.path' out >passed
	[ ! -s passed ] || { cat passed; false; }
}

# attachment: an encoded one with the mark in it.
attachment() { printf 'Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n%s\n' "$B64"; }
# mixed [CONTENT-TYPE] [DELIMITER]: a multipart with that attachment.
mixed() { printf 'Content-Type: %s\n\n--bb\n\nhello\n%s\n%s\n--bb--\n' "${1:-multipart/mixed; boundary=bb}" "${2:---bb}" "$(attachment)"; }

@test "a part whose header ends at a line that is no field, as some readers have it" {
	printf 'Content-Type: multipart/mixed; boundary=bb\n\n--bb\n%s\n--bb--\n' "$(attachment | grep .)" | try part
	attachment | grep . | try whole
	not_clean
}

@test "a field's name and its colon on different lines" {
	attachment | sed 's/^\(Content-Transfer-Encoding\):/\1\n :/' | try whole
	printf 'Content-Type: multipart/mixed; boundary=bb\n\n--bb\n%s\n--bb--\n' "$(attachment | sed 's/^\(Content-Transfer-Encoding\):/\1\n\t :/')" | try part
	mixed | sed 's/^Content-Type: mul/Content-Type\n : mul/' | try multipart
	not_clean
}

@test "boundaries in the type of what is no multipart, and lines that are nearly delimiters" {
	for t in text/plain text/html image/png multi-part/mixed '"multipart/mixed"' '=?utf-8?q?multipart/mixed?=' \
		message/external-body message/rfc822; do
		mixed "$t; boundary=bb" | try "$(printf %s "$t" | tr -c 'a-z0-9' _)"
	done
	for d in --BB ' --bb' '---bb' '--bbx' '-- bb' '--"bb"' '>--bb' '--bb-' '--bb--'; do
		mixed '' "$d" | try "d$(printf %s "$d" | od -An -tx1 | tr -d ' \n')"
	done
	not_clean
}

@test "boundaries as RFC 2231 splits and encodes them, twice, with comments, with blanks" {
	i=0
	for t in 'boundary*0=b; boundary*1=b' "boundary*=us-ascii''b%62" "boundary*0*=''b; boundary*1=b" 'boundary=aa; boundary=bb' \
		'boundary=bb; boundary=aa' "boundary=aa; boundary*=''bb" '(c) boundary=bb (d)' 'BOUNDARY = "bb"' 'boundary="bb "' \
		"boundary='bb'" 'boundary="bb' 'boundary="b\b"' ' ; boundary=bb' 'boundary=""' 'x="a;boundary=aa"; boundary=bb'; do
		i=$((i + 1))
		mixed "multipart/mixed; $t" | try "m$i"
	done
	not_clean
}

@test "a boundary that begins another, the same one inside, a part after the end, before the start" {
	inner() { mixed "multipart/alternative; boundary=$1" | sed "s/^--bb/--$1/"; }
	for b in b bbb bb bb-; do
		printf 'Content-Type: multipart/mixed; boundary=bb\n\n--bb\n%s\n--bb--\n' "$(inner "$b")" | try "in$b"
	done
	printf 'Content-Type: multipart/mixed; boundary=bb\n\n--bb\n\nhello\n--bb--\n--bb\n%s\n' "$(attachment)" | try after
	printf 'Content-Type: multipart/mixed; boundary=bb\n\n%s\n--bb\n\nhello\n--bb--\n' "$(attachment)" | try before
	not_clean
}

@test "base64 with padding where no group ends: some readers skip it" {
	for k in 5 8 9 10 11; do
		for pad in = == ===; do
			attachment | sed "s/^\($(printf '%.0s.' $(seq "$k"))\)\([A-Za-z0-9+\/=]*\)$/\1$pad\2/" | try "p$k$pad"
		done
	done
	not_clean
}

@test "quoted-printable whose soft line breaks are lone CRs" {
	printf 'Content-Type: application/octet-stream\nContent-Transfer-Encoding: quoted-printable\n\n%s\n' \
		"$(sed 's/TEST/TE=\rST/' mark)" | try qp
	not_clean
}

@test "uuencode as Outlook reads it (no mode, two blanks), in HTML, without its end; yEnc" {
	uu() { printf '%b' "$1"; python3 -c 'import binascii; print(binascii.b2a_uu(open("mark","rb").read()[:45]).decode() + binascii.b2a_uu(open("mark","rb").read()[45:]).decode(), end="")'; printf '%b' "$2"; }
	sed -i 's/some text before //' mark
	for b in 'begin 644 x' 'begin  x' 'begin 0 x' 'begin 777777 x'; do
		uu "Content-Type: text/plain\n\n$b\n" '`\nend\n' | try "$(printf %s "$b" | tr ' ' _)"
	done
	uu 'Content-Type: text/html\n\nbegin  x\n' '' | try html
	uu '\nbegin 644 x\n' '' | tr '\n' '\r' | { printf 'Content-Type: text/plain\n\n'; cat; } | try cr
	printf 'Content-Type: text/plain\n\n=ybegin line=128 size=9 name=x.exe\nabc\n=yend size=9\n' | try yenc
	not_clean
}

@test "archives that unpackers read on where the scanner stops: bzip2 chains, LZMA alone, ZIP headers that disagree" {
	{ echo x | bzip2; bzip2 <mark; } >chain.bz2
	python3 - <<-'P'
		import lzma, zlib, struct
		d = open("mark", "rb").read()
		open("x.lzma", "wb").write(lzma.compress(d, format=lzma.FORMAT_ALONE))
		c = zlib.compressobj(9, zlib.DEFLATED, -15); z = c.compress(d) + c.flush()
		crc = zlib.crc32(d)
		l = struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 0, 0, 0, crc, len(z), len(d), 1, 0) + b"x" + z
		e = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014b50, 20, 20, 0, 8, 0, 0, crc, len(z), len(d), 1, 0, 0, 0, 0, 0, 0) + b"x"
		open("x.zip", "wb").write(l + e + struct.pack("<IHHHHIIH", 0x06054b50, 0, 0, 1, 1, len(e), len(l), 0))
	P
	for f in chain.bz2 x.lzma x.zip; do mail "$f.eml" "$f"; done
	not_clean
	bzip2 -c mark >one.bz2
	rm ./*.eml
	mail one.eml one.bz2
	scan one.eml | jq -e '.scan.verdict == "infected"' >/dev/null
}

@test "a record that claims a scan, clean bytes for infected ones, or another raw file: not stored" {
	weir-tenant add acme
	mail i.eml mark
	printf 'From: a@x.example\r\n\r\nhello\r\n' >c.eml
	way() { raw "$1" | weir-parse -r -R . | weir-route --tenant acme | weir-auth | weir-extract -R .; }
	look() { weir-scan -j1 --db db -R . 2>>err; }
	way i.eml >in
	jq -c '.scan = {verdict:"clean"}' in | { look || [ $? = 70 ]; } | jq -e '.quarantine.by == "weir-scan"' >/dev/null
	way c.eml | look >clean
	known=$(jq -r '.attachments[0].sha256' clean)
	jq -c --arg h "$known" '(.attachments[] | select(.part == "1.2")).sha256 = $h' in | { look || true; } |
		{ weir-store -R . 2>>err || [ $? = 65 ]; } | jq -e 'has("hold") and (has("stored") | not)' >/dev/null
	sed -i s/hello/HELLO/ c.eml
	{ weir-store -R . <clean 2>>err || [ $? = 65 ]; } | jq -e '.hold.by == "weir-store" and (has("stored") | not)' >/dev/null
	[ -z "$(weir-ls messages acme --json)" ]
}

@test "a record that names bytes staged for another tenant: not stored" {
	weir-tenant add acme
	weir-tenant add beta
	head -c 3000 /dev/urandom >secret
	mail m.eml secret
	raw m.eml | weir-parse -r -R . >m.jsonl
	through() { weir-route --tenant "$1" <m.jsonl | weir-auth | weir-extract -R . | weir-scan -j1 --db db -R .; }
	through beta >theirs
	through acme >ours
	jq -c --arg p "$(jq -r '.attachments[] | select(.part == "1.2").path' theirs)" '(.attachments[] | select(.part == "1.2")).path = $p' ours >lie
	jq -c --arg p "$(jq -r '.attachments[] | select(.part == "1.2").path' ours | sed 's,/acme/,/acme/../beta/,')" \
		'(.attachments[] | select(.part == "1.2")).path = $p' ours >climb
	for r in lie climb; do
		run -65 --separate-stderr weir-store -R . <$r
		[ "$(jq -r .hold.by <<<"$output")" = weir-store ]
	done
	[ -z "$(weir-ls messages acme --json)" ]
	weir-store -R . <ours | jq -e .stored.new >/dev/null
}

@test "a raw.path or attachment path outside of the folders: a link, a FIFO, .., /proc, /dev" {
	mkdir in
	printf 'From: secret@x.example\r\n\r\nhello\r\n' >secret.eml
	ln -s ../secret.eml in/link
	mkfifo in/fifo
	for p in "$PWD/secret.eml" "$PWD/in/../secret.eml" "$PWD/in/link" "$PWD/in/fifo" "$PWD/in" in/link '' /proc/self/environ /dev/zero; do
		printf '{"weir":1,"id":"%064d","raw":{"path":"%s","size":4}}\n' 0 "$p"
	done >bad
	timeout 20 weir-parse -r -R in <bad >out 2>err || { s=$?; [ $s = 65 ] || [ $s = 74 ] || [ $s = 75 ]; }
	[ "$(jq -r '(has("hold") or has("quarantine")) and (has("message") | not)' out | sort | uniq -c | tr -s ' ')" = ' 9 true' ]
	! grep -q secret@ out
}

@test "another tenant's domain in any spelling is not to be had; recipients that smuggle are unroutable" {
	weir-tenant add acme
	weir-tenant add beta
	weir-domain add acme x.example
	weir-domain add acme münchen.example
	weir-address --inbox i add acme a@x.example
	for d in x.example X.EXAMPLE x.example. ｘ.example x。example MÜNCHEN.example xn--mnchen-3ya.example $'x.example\n' '*.x.example'; do
		! weir-domain add beta "$d" 2>/dev/null || false
	done
	for r in 'a@x.example,b@y.example' 'a%x.example@evil.example' 'a\u0000@x.example' 'a@x.example\n' '@evil.example:a@x.example' \
		'a@x.example@evil.example' 'a(c)@x.example' '+@x.example' 'a@[127.0.0.1]' ''; do
		printf '{"weir":1,"id":"x","envelope":{"from":"","to":["%s"]}}\n' "$r"
	done | weir-route 2>err | jq -r '.tenant // .hold.reason' | sort | uniq -c | tr -s ' ' >out
	[ "$(cat out)" = ' 10 unroutable' ]
}

@test "weir-cat on a terminal: no control character of the message; in a pipe: every byte" {
	command -v script >/dev/null || skip "no script(1)"
	weir-tenant add acme
	printf 'From: a@x.example\r\nSubject: \033]0;own\a\r\n\r\nhello \033[31m\342\200\256\r\n' >m.eml
	raw m.eml | weir-parse -r -R . | weir-route --tenant acme | weir-auth | weir-extract -R . |
		weir-scan -j1 --db db -R . | weir-thread | weir-store -R . >out
	id=$(jq -r .id out)
	weir-cat acme "$id" | cmp - m.eml
	script -qec "weir-cat acme $id" /dev/null </dev/null >tty
	grep -q hello tty
	! LC_ALL=C grep -q $'[\033\a]' tty || false
	! grep -q $'\u202e' tty || false
}
