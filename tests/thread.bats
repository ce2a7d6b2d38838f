load common

# rec ID [REFS] [IN-REPLY-TO]: a record with that Message-ID.
rec() {
	local q='"'
	printf '{"weir":1,"id":"%s","message":{%s"references":[%s],"in_reply_to":[%s],"subject":"same"},"tenant":"acme"}\n' \
		"$(sha256sum <<<"$1" | cut -c1-64)" "${1:+\"message_id\":\"$1\",}" \
		"$(printf '"%s",' $2 | sed 's/,$//; s/^""$//')" "$(printf '"%s",' $3 | sed 's/,$//; s/^""$//')"
}
threads() { weir-thread --no-store "$@" | jq -r .thread.id; }
node() { printf %s "$1" | sha256sum | cut -c1-32; }

@test "a node is the first 128 bits of the SHA-256 of the Message-ID" {
	run -0 bash -c "$(declare -f rec); rec a@x | weir-thread --no-store"
	jq -e --arg n "$(node a@x)" '.thread=={"id":$n,"node":$n,"links":[],"new":true}' <<<"$output"
}

@test "a reply and its parent are one thread whose id is the smallest node, whichever comes first" {
	want=$(printf '%s\n' "$(node a@x)" "$(node b@x)" | sort | head -1)
	[ "$( (rec a@x; rec b@x a@x) | threads | tail -1)" = "$want" ]
	[ "$( (rec b@x a@x; rec a@x) | threads | tail -1)" = "$want" ]
	[ "$( (rec b@x '' a@x; rec a@x) | threads | tail -1)" = "$want" ]
}

@test "siblings whose parent never came are one thread" {
	[ "$( (rec b@x gone@x; rec c@x gone@x) | threads | sort -u | wc -l)" = 1 ]
}

@test "the same subject alone joins nothing" {
	[ "$( (rec a@x; rec b@x) | threads | sort -u | wc -l)" = 2 ]
}

@test "messages without Message-ID are threads of their own" {
	[ "$( (rec ''; echo '{"weir":1,"id":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","message":{}}') | threads | sort -u | wc -l)" = 2 ]
}

@test "tenants do not see each other's threads" {
	(rec a@x; rec b@x a@x | sed 's/acme/globex/') >r
	[ "$(weir-thread --no-store <r | jq -r .thread.id | sort -u | wc -l)" = 1 ] || true
	want=$(node b@x; node a@x)
	[ "$(weir-thread <r | jq -c '.thread.new')" = $'true\ntrue' ]
}

@test "what the store knows counts: the id is that of the stored thread" {
	weir-tenant add acme
	"$TOP/tests/records.py" make m 30 >r
	weir-store <r | tail -1 | jq -r .stored.thread >/dev/null
	weir-store <r | jq -r '[.id,.stored.thread]|@tsv' | sort >stored
	weir-thread <r | jq -r '[.id,.thread.id]|@tsv' | sort >said
	cmp stored said
	weir-thread <r | jq -e -s 'map(.thread.new)|any|not'
}

@test "the last id that weir-thread gives to a thread is the one that weir-store keeps" {
	weir-tenant add acme
	"$TOP/tests/records.py" make m 200 >r
	tac r | weir-thread | weir-store >/dev/null
	weir-store <r | jq -r '[.id,.stored.thread]|@tsv' | sort >stored
	cat r r | weir-thread --no-store | tail -200 | jq -r '[.id,.thread.id]|@tsv' | sort >said
	cmp stored said
}

@test "ids that a merge retired still lead to the thread" {
	weir-tenant add acme
	"$TOP/tests/records.py" make m 200 >r
	weir-store -n 1 <r | jq -r .stored.thread | sort -u >given
	weir-store <r | jq -r .stored.thread | sort -u >last
	[ "$(comm -23 given last | wc -l)" -gt 5 ]
	while read -r id; do
		weir-ls --json threads acme --thread "$id" | jq -r .id
	done < <(comm -23 given last | head -20) | sort -u >now
	[ "$(comm -23 now last)" = "" ]
}

@test "a record without tenant is held" {
	run -0 bash -c "$(declare -f rec); rec a@x | jq -c 'del(.tenant)' | weir-thread"
	[ "$(jq -r .hold.reason <<<"$output")" = not_routed ]
}

@test "a record without id and message is quarantined, the others go on" {
	run -65 --separate-stderr bash -c "$(declare -f rec); (echo '{\"weir\":1,\"tenant\":\"acme\"}'; rec a@x) | weir-thread --no-store"
	[ "$(jq -rs '.[0].quarantine.by' <<<"$output")" = weir-thread ]
	[ "$(jq -rs '.[1].thread.new' <<<"$output")" = true ]
}
