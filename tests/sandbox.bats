load common

# What a fence keeps out is tried from inside one, profile by profile, in tests/unit/sandbox.c (the same sandbox_enter() that the
# programs call). Here: that each program is behind its fence before it has read a byte.

fenced() {	# fenced PID: no new privileges, and N seccomp filters at least
	grep -q '^NoNewPrivs:.1' "/proc/$1/status" 2>/dev/null && awk -v n="${2:-1}" '/^Seccomp_filters:/ { f = $2 } END { exit f < n }' "/proc/$1/status"
}

soon() {	# soon COMMAND...: within some seconds it is so
	local end=$((SECONDS + 20))
	until "$@"; do ((SECONDS < end)) || return 1; done
}

filters() {
	cat <<-EOT
	weir-auth
	weir-event dmarc -r
	weir-extract
	weir-parse -r
	weir-route
	weir-sign -r --domain acme.example --selector s --key key.pem
	weir-scan --db $SAMPLES/signatures -j 1
	weir-store
	weir-thread
	weir-spool ack spool
	EOT
}

@test "every filter has given up what it does not need while it waits for its first byte" {
	mkdir spool
	openssl genpkey -algorithm ed25519 -out key.pem
	weir-tenant add acme
	weir-domain add acme acme.example
	filters | while read -r command; do
		mkfifo in
		bash -c "exec $command" <in >/dev/null 2>err &
		pid=$!
		exec 9>in
		soon fenced "$pid" || { echo "$command: not fenced in"; cat err; exit 1; }
		exec 9>&-
		wait "$pid" || { echo "$command: $?"; cat err; exit 1; }
		rm in
	done
}

@test "workers of weir-parse and weir-scan have given up more than the program" {
	for command in 'weir-parse -r' "weir-scan --db $SAMPLES/signatures -j 1"; do
		mkfifo in
		bash -c "exec $command" <in >/dev/null 2>err &
		pid=$!
		exec 9>in
		soon worker_fenced "$pid"
		exec 9>&-
		wait "$pid"
		rm in
	done
}
worker_fenced() {
	local worker
	worker=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	worker=${worker%% *}
	[ -n "$worker" ] && fenced "$worker" 2 2>/dev/null
}

@test "every program in src enters a sandbox" {
	for f in "$TOP"/src/weir-*.c; do
		p=${f##*/weir-}
		grep -q 'sandbox_enter(' "$f" "$TOP/src/${p%.c}"_*.c 2>/dev/null || { echo "${f##*/} does not"; false; }
	done
}

@test "each program is tried in its fence by the unit test" {
	for f in "$TOP"/src/weir-*.c; do
		p=${f##*/}
		grep -q "\"${p%.c}\"" "$TOP/tests/unit/sandbox.c" || { echo "${p%.c} is not"; false; }
	done
}

@test "what each profile may and may not do holds" { "${WEIR_UNIT:-$TOP/build/unit}/sandbox"; }

@test "a file elsewhere is not read, even if a folder leads to it" {
	mkdir spool elsewhere
	printf 'Subject: x\n\nsecret\n' >elsewhere/m.eml
	ln -s ../elsewhere spool/in
	printf '{"weir":1,"id":"%064d","raw":{"path":"%s/spool/in/m.eml","size":20}}\n' 1 "$PWD" >in
	run -74 bash -c 'weir-parse -r -R spool --text <in >out 2>err'
	[ "$(jq -r .hold.reason out)" = denied ]
	! grep -q secret out
}

@test "weir-domain verify is behind its fence while it waits for name servers" {
	load dns
	weir-tenant add acme
	weir-domain add acme s.acme.example --provider ses:eu-central-1 --dkim-token a --dkim-token b --dkim-token c
	responder_start acme.example=silent
	weir-domain verify --resolver "127.0.0.1@$RESPONDER_PORT" >out 2>&1 3>&- &
	pid=$!
	soon fenced "$pid"
	wait "$pid" || [ $? = 75 ]
	dns_stop
	grep -q temperror out
}

@test "weir-domain rotate: who asks name servers has no file, and who has the keys no network" {
	load dns
	weir-tenant add acme
	cat >home/providers.json <<-'EOT'
	{"own": {"platform": "platform.example", "inbound": "mx.platform.example", "feedback": "bounces.platform.example",
		"spf": "include:_spf.platform.example", "ns": [{"name": "ns1.platform.example"}]}}
	EOT
	weir-domain add acme s.acme.example --provider own
	weir-domain rotate s.acme.example --seen
	responder_start acme.example=silent
	weir-domain rotate s.acme.example --resolver "127.0.0.1@$RESPONDER_PORT" >out 2>&1 3>&- &
	pid=$!
	soon fenced "$pid"
	child=$(cat "/proc/$pid/task/$pid/children")
	child=${child%% *}
	soon fenced "$child"
	# What it opens beside the sockets that the test may have given both of them:
	sockets() { find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | sort -u; }
	asks() { [ -n "$(comm -13 <(sockets "$pid") <(sockets "$child"))" ]; }
	soon asks
	[ -z "$(comm -23 <(sockets "$pid") <(sockets "$child"))" ]
	wait "$pid" || [ $? = 75 ]
	dns_stop
	grep -q 'not in DNS yet' out
}
