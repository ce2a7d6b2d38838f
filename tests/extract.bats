load common
load mailbox

@test "each part's bytes are what was attached, with its size and digest" {
	head -c 100000 /dev/urandom >small.bin
	head -c 700000 /dev/urandom >large.bin
	printf 'hello' >text.txt
	mail m.eml small.bin large.bin text.txt
	extracted m.eml >out
	for f in small.bin:1.2 large.bin:1.3 text.txt:1.4; do
		bytes_of "${f#*:}" <out | cmp - "${f%:*}"
		[ "$(jq -r --arg p "${f#*:}" '.attachments[] | select(.part == $p) | .sha256' out)" = "$(sha256sum "${f%:*}" | cut -c1-64)" ]
	done
	[ "$(jq -r '[.attachments[].part] | join(" ")' out)" = '1.1 1.2 1.3 1.4 1.5' ]
}

@test "a part that is not encoded is not written: its bytes are those of the message" {
	printf 'x' >a
	mail m.eml a
	extracted m.eml >out
	[ "$(jq -r '.attachments[0].path' out)" = "$(realpath m.eml)" ]
	[ "$(bytes_of 1.1 <out)" = 'see what is attached' ]
}

@test "the same bytes are written once, and never shared between tenants" {
	head -c 50000 /dev/urandom >a
	mail m.eml a a
	mail n.eml a
	raw m.eml n.eml m.eml | weir-parse -r -R . | jq -c '.tenant = (if input_line_number == 3 then "globex" else "acme" end)' |
		weir-extract -R . >out
	places() { jq -r 'select(.tenant == "'"$1"'") | .attachments[] | select(.size == 50000) | "\(.path) \(.offset)"' out | sort -u; }
	[ "$(places acme | wc -l)" = 1 ]
	[ "$(places globex | wc -l)" = 1 ]
	[[ $(places acme) == "$WEIR_HOME"/run/staging/*/acme/* ]]
	[[ $(places globex) == "$WEIR_HOME"/run/staging/*/globex/* ]]
}

@test "a large part is a file named by its digest, mode 0600, with no leftovers beside it" {
	head -c 400000 /dev/urandom >a
	mail m.eml a
	extracted m.eml >out
	f=$(jq -r '.attachments[1].path' out)
	[ "$(basename "$f")" = "$(sha256sum a | cut -c1-64)" ]
	[ "$(stat -c %a "$f")" = 600 ]
	[ "$(ls "$(dirname "$f")")" = "$(basename "$f")" ]
}

@test "a sender's file name is never a path" {
	printf 'x%.0s' {1..100} >a
	mail m.eml a
	sed -i 's|name="a"|name="../../../../../../etc/evil"|' m.eml
	extracted m.eml >out
	[[ $(jq -r '.attachments[1].path' out) == "$WEIR_HOME"/run/staging/* ]]
	[ ! -e /etc/evil ]
	[ -z "$(find . -name '*evil*')" ]
}

@test "a tenant that is no tenant's name makes no folder" {
	printf 'xyzzy' >a
	mail m.eml a
	raw m.eml | weir-parse -r -R . | jq -c '.tenant = "../../evil"' >in
	run -65 bash -c 'weir-extract -R . <in >out 2>err'
	[ "$(jq -r .quarantine.by out)" = weir-extract ]
	[ -z "$(find . -name evil)" ]
}

@test "a message that decodes to more than the limit is held, exactly at the limit it is not" {
	head -c 3000 /dev/zero >a
	mail m.eml a
	raw m.eml | weir-parse -r -R . >in
	encoded=$(jq '.parts[] | select(.part == "1.2") | .range[1] - .range[0]' in)
	weir-extract -R . --max-decoded "$encoded" <in | jq -e '.attachments and (has("hold") | not)' >/dev/null
	weir-extract -R . --max-decoded $((encoded - 1)) <in | jq -e '.hold.reason == "too_big" and (has("attachments") | not)' >/dev/null
}

@test "a message outside of the given folders is not read" {
	mkdir in out
	printf 'xyzzy' >a
	mail out/m.eml a
	raw out/m.eml | weir-parse -r -R . >rec
	run -74 bash -c 'weir-extract -R in <rec >res 2>err'
	[ "$(jq -r .hold.by res)" = weir-extract ]
	jq -e 'has("attachments") | not' res >/dev/null
}

@test "a raw file that is not what the record says is held, its parts are not guessed" {
	printf 'xyzzy' >a
	mail m.eml a
	raw m.eml | weir-parse -r -R . >rec
	echo more >>m.eml
	run -75 bash -c 'weir-extract -R . <rec >res 2>err'
	jq -e '.hold and (has("attachments") | not)' res >/dev/null
}

@test "ranges that lie outside of the message are refused, the rest of the batch goes on" {
	printf 'xyzzy' >a
	mail m.eml a
	raw m.eml m.eml | weir-parse -r -R . >in
	{ jq -c '(.parts[] | select(.part == "1.2") | .range) = [10, 99999999]' <(head -1 in); tail -1 in; } >rec
	run -65 bash -c 'weir-extract -R . <rec >res 2>err'
	[ "$(jq -r '.quarantine.by // "ok"' res | paste -sd' ')" = 'weir-extract ok' ]
}

@test "stopped records pass untouched" {
	echo '{"weir":1,"id":"x","hold":{"by":"weir-route","reason":"unroutable"}}' >in
	weir-extract <in | cmp - in
}

@test "staging of a dead pipeline is removed by the next start, that of a living one is not" {
	s=$WEIR_HOME/run/staging
	mkdir -p "$s/00000000.00000000.1.1.1.1.0/acme" "$s/nonsense"
	head -c 5000 /dev/urandom >a
	mail m.eml a
	extracted m.eml >out
	[ ! -e "$s/nonsense" ]
	extracted m.eml >out2
	bytes_of 1.2 <out | cmp - a
}

@test "a full disk is an error that is said, and leaves nothing half-written under a digest's name" {
	head -c 400000 /dev/urandom >a
	mail m.eml a
	raw m.eml | weir-parse -r -R . >rec
	run -74 bash -c 'ulimit -f 100; trap "" XFSZ; weir-extract -R . <rec >res 2>err'
	grep -q 'weir-extract: ' err
	[ "$(jq -r .hold.by res)" = weir-extract ]
	[ -z "$(find "$WEIR_HOME/run" -type f -name '[0-9a-f]*' -size +0)" ]
}
