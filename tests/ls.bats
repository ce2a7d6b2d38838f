load common
load stored

@test "threads: the last active first, whole ids and tabs in a pipe" {
	weir-ls hausblick >out
	[ "$(wc -l <out)" -ge 10 ]
	cut -f1 out | sort -rc
	[ "$(cut -f4 out | grep -cE '^[0-9a-f]{32}$')" = "$(wc -l <out)" ]
	[ "$(weir-ls threads hausblick)" = "$(cat out)" ]
	weir-ls hausblick --json | jq -es 'all(.weir == 1 and .type == "thread" and .tenant == "hausblick")'
}

@test "a table is as wide as it is told, cut by columns and not by bytes" {
	for width in 70 100; do
		COLUMNS=$width weir-ls brueckner --table >out
		head -1 out | grep -q '^LAST .*SUBJECT$'
		[ "$(wc -L <out)" -le "$width" ]
	done
	COLUMNS=70 weir-ls stadtwerk --table | grep -q '関東計器…  【重要】'
}

@test "messages by date, or the newest first" {
	weir-ls messages hausblick --json | jq -es '[.[].message.date.unix // 0] | . == sort'
	weir-ls messages hausblick --newest-first --json | jq -es '[.[].message.date.unix // 0] | . == (sort | reverse)'
}

@test "--since is included, --before is not" {
	weir-ls messages hausblick --since 2026-11-09T05:42:00Z --before 2026-11-09T07:15:00Z --json | jq -r .message.date.utc >out
	[ "$(cat out)" = $'2026-11-09T05:42:00Z\n2026-11-09T06:58:00Z' ]
	[ "$(weir-ls messages hausblick --since 2026-11-09 --before 2026-11-10 | wc -l)" = 5 ]
	[ "$(weir-ls messages hausblick --since 2026-11-09T06:42:00+01:00 --limit 1 --json | jq -r .message.date.utc)" = 2026-11-09T05:42:00Z ]
}

@test "--thread takes the id, its beginning, or an id that was retired by a merge" {
	id=$(weir-ls hausblick --json | jq -r 'select(.messages == 8).id')
	[ "$(weir-ls messages hausblick --thread "$id" | wc -l)" = 8 ]
	[ "$(weir-ls messages hausblick --thread "${id:0:6}" | wc -l)" = 8 ]
	for node in $(weir-ls messages hausblick --thread "$id" --json | jq -r .node); do
		[ "$(weir-ls messages hausblick --thread "$node" | wc -l)" = 8 ]
	done
	run -65 --separate-stderr weir-ls messages hausblick --thread 000000000000
}

@test "--address and --inbox: what was delivered there, in any case of letters" {
	[ "$(weir-ls messages brueckner --address Notdienst@Brueckner-Notdienst.example | wc -l)" = 2 ]
	[ "$(weir-ls messages brueckner --inbox notdienst | wc -l)" = 2 ]
	[ "$(weir-ls messages brueckner --address AUFTRAG@BRÜCKNER-HEIZUNG.example | wc -l)" = "$(weir-ls messages brueckner --inbox auftrag | wc -l)" ]
	[ "$(weir-ls messages brueckner --address mieter@post.hausblick.example | wc -l)" = 0 ]
}

@test "attachments are filed under their thread, and a removed one says so" {
	id=$(weir-ls hausblick --json | jq -r 'select(.messages == 8).id')
	[ "$(weir-ls attachments hausblick --thread "$id" --json | jq -r 'select(.filename == "Rechnung_2026-203.pdf") | .thread')" = "$id" ]
	weir-ls attachments hausblick | grep -P '\tREMOVED \S+: rechnung.zip$'
	[ "$(weir-ls messages hausblick | cut -f2 | grep -c '!')" = 1 ]
}

@test "inboxes: those with mail and those an address leads to, each message once" {
	[ "$(weir-ls inboxes brueckner | cut -f2 | paste -sd,)" = auftrag,notdienst ]
	for inbox in $(weir-ls inboxes hausblick | cut -f2); do
		[ "$(weir-ls inboxes hausblick --json | jq --arg i "$inbox" 'select(.inbox == $i).messages')" = "$(weir-ls messages hausblick --inbox "$inbox" | wc -l)" ]
	done
}

@test "tenants are listed without being asked for one" {
	[ "$(weir-ls tenants | paste -sd,)" = brueckner,hausblick,stadtwerk ]
	[ "$(weir-ls tenants --json | head -1)" = '{"weir":1,"type":"tenant","tenant":"brueckner"}' ]
}

@test "--limit stops there" {
	[ "$(weir-ls messages hausblick --limit 3 | wc -l)" = 3 ]
	[ "$(weir-ls hausblick --limit 1 | wc -l)" = 1 ]
	run -64 --separate-stderr weir-ls hausblick --limit 0
}

@test "what makes no sense is 64, what is not there is 65" {
	run -64 --separate-stderr weir-ls
	run -64 --separate-stderr weir-ls hausblick --since yesterdayish
	[[ $stderr == *"2026-11-20"* ]]
	run -64 --separate-stderr weir-ls hausblick --address nobody
	run -64 --separate-stderr weir-ls letters hausblick
	run -65 --separate-stderr weir-ls nosuch
	run -65 --separate-stderr weir-ls ../hausblick
}

@test "control characters of a message never reach a terminal" {
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	printf 'From: =?utf-8?q?=1B[31mRed?= <a@b.example>\nSubject: =?utf-8?q?a=1B]0;title=07=09b=0Ac?= \xe2\x80\xaex\nDate: Mon, 9 Nov 2026 05:42:00 +0000\n\nx\x1b[2J\n' >m.eml
	weir-parse m.eml | weir-route --tenant t | weir-auth | weir-extract -R . | weir-thread | weir-store -R . --allow-unscanned >/dev/null
	for cmd in 'weir-ls t' 'weir-ls messages t' 'weir-ls t --table' 'weir-show t "$(weir-ls messages t | cut -f4)"' 'weir-why "$(weir-ls messages t | cut -f4)"'; do
		eval "$cmd" >out
		[ -s out ]
		[ "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae' out)" = 0 ]
	done
	[ "$(weir-ls messages t | awk -F'\t' '{ print NF }')" = 6 ]
}
