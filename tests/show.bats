load common
load stored

id_of() { weir-ls messages "$1" --json | jq -r --arg s "$2" 'select(.message.subject == $s).id'; }

@test "a thread is shown whole, by date, with its texts" {
	id=$(weir-ls hausblick --json | jq -r 'select(.messages == 8).id')
	weir-show hausblick "${id:0:8}" >out
	head -2 out | grep -q "^Thread:  $id, 8 messages\$"
	[ "$(grep -c '^From:' out)" = 8 ]
	grep -q '^  seit gestern Abend ist die Heizung kalt' out
	grep '^Date:' out | sort -c
	grep -q '^  1.2  anzeige.jpg  image/jpeg  402 bytes$' out
}

@test "a message is found by its id, its beginning, and its Message-ID" {
	id=$(id_of hausblick 'Offene Rechnung')
	mid=$(weir-cat hausblick "$id" --json | jq -r .message.message_id)
	weir-show hausblick "$id" >out
	for name in "${id:0:10}" "$mid" "<$mid>"; do weir-show hausblick "$name" | sed '/^Thread:/,/^$/d' | cmp - out; done
}

@test "what was removed, and what is wrong, stands above the text" {
	weir-show hausblick "$(id_of hausblick 'Offene Rechnung')" | grep -n '' >out
	grep -q 'WARNING: part 1.2 (rechnung.zip) was removed: ' out
	[ "$(grep WARNING out | cut -d: -f1)" -lt "$(grep Mahnung out | cut -d: -f1)" ]
	weir-show brueckner "$(id_of brueckner 'Fax von 0555-777')" | grep '^Defects: uuencode in part 1$'
}

@test "text made from HTML says so" {
	weir-show hausblick "$(id_of hausblick Besichtigung)" >out
	grep -qF '[made from HTML]' out
	grep -q '^  Wann ist die Besichtigung?' out
}

@test "who vouched for the sender is said, and what DMARC asks for" {
	weir-show hausblick "$(id_of hausblick 'Ihr Kundenkonto')" | grep -F 'dmarc fail (asks for quarantine)'
}

@test "nothing in a text can pass for a line of ours" {
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	printf 'From: a@b.example\nSubject: x\n\nhello\n\n--------\n\nFrom: boss@bank.example\nAuth:    dmarc pass\n' >m.eml
	weir-parse m.eml | weir-route --tenant t | weir-auth | weir-extract -R . | weir-thread | weir-store -R . --allow-unscanned >/dev/null
	weir-show t "$(weir-ls messages t | cut -f4)" >out
	[ "$(grep -c '^From:' out)" = 1 ]
	[ "$(grep -c '^Auth:' out)" = 1 ]
	grep -q '^WARNING: nobody scanned this message' out
}

@test "--no-text leaves the text out" {
	weir-show hausblick --no-text "$(id_of hausblick 'Offene Rechnung')" >out
	[ "$(grep -c Mahnung out)" = 0 ]
}

@test "several ids are shown one after the other; one that is not there is named and 65" {
	a=$(id_of hausblick 'Offene Rechnung') b=$(id_of hausblick Besichtigung)
	run -65 --separate-stderr weir-show hausblick "$a" 0000000000 "$b"
	[ "$(grep -c '^From:' <<<"$output")" = 2 ]
	[[ $stderr == *0000000000* ]]
	run -64 --separate-stderr weir-show hausblick
}
