load common
load stored

id_of() { weir-ls messages "$1" --json | jq -r --arg s "$2" 'select(.message.subject == $s).id'; }

@test "every message comes out as it was stored, and is its own digest if nothing was removed" {
	for t in stadtwerk brueckner; do
		for id in $(weir-ls messages $t --json | jq -r 'select(.scan.removed | not).id'); do
			[ "$(weir-cat $t "$id" | sha256sum | cut -d' ' -f1)" = "$id" ]
		done
	done
}

@test "a message from which something was removed has another digest, and the infected bytes are not in it" {
	id=$(id_of hausblick 'Offene Rechnung')
	weir-cat hausblick "$id" >out
	[ "$(sha256sum <out | cut -d' ' -f1)" = "$(weir-cat hausblick "$id" --json | jq -r .raw.sha256)" ]
	[ "$(sha256sum <out | cut -d' ' -f1)" != "$id" ]
	run -65 --separate-stderr weir-cat hausblick "$id" --attachment rechnung.zip
	[[ $stderr == *removed* ]]
	[ -z "$output" ]
}

@test "--text, --html, --headers" {
	id=$(id_of hausblick Besichtigung)
	[ "$(weir-cat hausblick "$id" --text | head -1)" = "Wann ist die Besichtigung?" ]
	weir-cat hausblick "$id" --html | grep -q '<p>'
	weir-cat hausblick "$id" --headers >head
	weir-cat hausblick "$id" | head -c "$(stat -c %s head)" | cmp - head
	[ "$(tail -c 4 head | od -An -c | tr -d ' ')" = '\r\n\r\n' ]
	run -65 --separate-stderr weir-cat hausblick "$(id_of hausblick 'Offene Rechnung')" --html
}

@test "charsets of all kinds come out as UTF-8" {
	for id in $(weir-ls messages stadtwerk --json | jq -r .id); do
		weir-cat stadtwerk "$id" --text 2>/dev/null | iconv -f utf-8 -t utf-8 >/dev/null
	done
	weir-ls messages stadtwerk --json | jq -r .id | while read -r id; do weir-cat stadtwerk "$id" --text 2>/dev/null || true; done | grep -q スマートメーター
}

@test "an attachment by part, digest, beginning of it, and file name" {
	id=$(id_of hausblick 'Rechnung 2026-203')
	weir-cat hausblick "$id" --json | jq -c '.attachments[]' >list
	sha=$(jq -r 'select(.filename == "vorher.jpg").sha256' list) part=$(jq -r 'select(.filename == "vorher.jpg").part' list)
	for what in "$part" "$sha" "${sha:0:8}" vorher.jpg; do
		[ "$(weir-cat hausblick "$id" --attachment "$what" | sha256sum | cut -d' ' -f1)" = "$sha" ]
	done
	[ "$(weir-cat hausblick --attachment "$sha" | sha256sum | cut -d' ' -f1)" = "$sha" ]
	run -65 --separate-stderr weir-cat hausblick "$id" --attachment nosuch.jpg
	run -65 --separate-stderr weir-cat hausblick --attachment "${sha:0:20}"
}

@test "only attachments are to be had by their digest alone" {
	id=$(id_of stadtwerk '【重要】校正証明書')
	run -65 --separate-stderr weir-cat stadtwerk --attachment "$id"
	[ -z "$output" ]
}

@test "a Message-ID that several messages have names none" {
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	for i in 1 2; do printf 'From: a@b.example\nMessage-ID: <same@b.example>\n\n%s\n' $i >m$i.eml; done
	for i in 1 2; do weir-parse m$i.eml | weir-route --tenant t | weir-auth | weir-extract -R . | weir-thread | weir-store -R . --allow-unscanned; done >/dev/null
	run -65 --separate-stderr weir-cat t same@b.example
	[ -z "$output" ]
	[[ $stderr == *several* ]]
	[ "$(weir-show t same@b.example | grep -c '^From:')" = 2 ]
}

@test "what makes no sense is 64, what is not there is 65" {
	run -64 --separate-stderr weir-cat hausblick
	run -64 --separate-stderr weir-cat hausblick zzzzzz
	run -64 --separate-stderr weir-cat hausblick 123
	run -64 --separate-stderr weir-cat hausblick 000000 --text --html
	run -65 --separate-stderr weir-cat hausblick 000000000000
	run -65 --separate-stderr weir-cat nosuch 000000000000
}

@test "a full disk is 74" {
	run -74 --separate-stderr bash -c 'weir-cat hausblick "$(weir-ls messages hausblick --limit 1 | cut -f4)" >/dev/full'
}
