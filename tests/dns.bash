# Name servers for tests, on free ports of 127.0.0.1: NSD with zones of our own, and a responder that misbehaves.
#
#	nsd_start DIR [NAME [IP PORT]]	DIR/ZONE.zone each becomes a zone; sets NSD_PORT. Several servers have different NAMEs;
#			a zone's own servers must all listen on one port: 127.0.0.1, 127.0.0.2... and the PORT of the first
#	nsd_reload [NAME]	reads all zones of DIR again, also new ones; the port stays; returns when they are served
#	nsd_stop [NAME]
#	responder_start RULE...	sets RESPONDER_PORT; see responder.py for its rules
#	dns_stop		all of them: call it in teardown or teardown_file
#
# Their files are in $DNS_DIR, by default a folder of the test (of the file, in setup_file).
DNS_DIR=${DNS_DIR:-${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/dns}

# A port that is free for UDP and TCP now.
free_port() {
	python3 - <<-'END'
	import socket
	while True:
	    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    udp.bind(("127.0.0.1", 0))
	    try:
	        socket.socket().bind(udp.getsockname())
	    except OSError:
	        continue
	    print(udp.getsockname()[1])
	    break
	END
}

# nsd_conf DIR RUN PORT IP
nsd_conf() {
	local zone
	cat <<-END
	server:
	  ip-address: $4
	  port: $3
	  username: ""
	  chroot: ""
	  zonesdir: ""
	  database: ""
	  pidfile: "$2/nsd.pid"
	  xfrdfile: "$2/xfrd.state"
	  xfrdir: "$2"
	  zonelistfile: "$2/zone.list"
	  logfile: "$2/nsd.log"
	  server-count: 1
	  rrl-ratelimit: 0
	remote-control:
	  control-enable: no
	END
	for zone in "$1"/*.zone; do
		[[ -e $zone ]] || continue
		printf 'zone:\n  name: "%s"\n  zonefile: "%s"\n' "$(basename "$zone" .zone)" "$zone"
	done
}

# Whether any DNS message comes back from PORT of IP.
dns_answers() {
	python3 - "$1" "$2" <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.settimeout(0.2)
	s.connect((sys.argv[2], int(sys.argv[1])))
	try:
	    s.send(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01")
	    sys.exit(s.recv(512)[:2] != b"\x12\x34")
	except OSError:
	    sys.exit(1)
	END
}

# nsd_run RUN PORT IP: in the foreground of a background job, so that it is ours to stop. 1: it ended (the port was taken).
nsd_run() {
	local i pid
	PATH=$PATH:/usr/sbin nsd -d -c "$1/nsd.conf" >"$1/out" 2>&1 3>&- &
	pid=$!
	echo "$pid" >"$1/pid"
	for ((i = 0; i < 100; i++)); do
		if dns_answers "$2" "$3" && kill -0 "$pid" 2>/dev/null; then return 0; fi
		kill -0 "$pid" 2>/dev/null || return 1
	done
	return 1
}

nsd_start() {
	local run=$DNS_DIR/${2:-nsd} try
	mkdir -p "$run"
	realpath "$1" >"$run/zones"
	echo "${3:-127.0.0.1}" >"$run/ip"
	for try in 1 2 3 4 5; do
		NSD_PORT=${4:-$(free_port)}
		echo "$NSD_PORT" >"$run/port"
		nsd_conf "$(cat "$run/zones")" "$run" "$NSD_PORT" "$(cat "$run/ip")" >"$run/nsd.conf"
		! nsd_run "$run" "$NSD_PORT" "$(cat "$run/ip")" || return 0
	done
	cat "$run/nsd.log" "$run/out" >&2
	echo "NSD did not start ($try tries)" >&2
	return 1
}

nsd_stop() {
	local run=$DNS_DIR/${1:-nsd} i pid
	[[ -e $run/pid ]] || return 0
	pid=$(cat "$run/pid")
	rm -f "$run/pid"
	kill -TERM "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 500; i++)); do
		kill -0 "$pid" 2>/dev/null || return 0
		read -rt 0.01 <> <(:) || true
	done
	kill -KILL "$pid" 2>/dev/null || true
}

# A new start on the same port: unlike a reload it is over when it says so.
nsd_reload() {
	local run=$DNS_DIR/${1:-nsd} i
	nsd_stop "${1:-nsd}"
	nsd_conf "$(cat "$run/zones")" "$run" "$(cat "$run/port")" "$(cat "$run/ip")" >"$run/nsd.conf"
	for ((i = 0; i < 20; i++)); do
		! nsd_run "$run" "$(cat "$run/port")" "$(cat "$run/ip")" || return 0
	done
	cat "$run/nsd.log" >&2
	return 1
}

responder_start() {
	local i
	mkdir -p "$DNS_DIR"
	rm -f "$DNS_DIR/responder.port"
	python3 "$TOP/tests/responder.py" "$DNS_DIR/responder.port" "$@" >"$DNS_DIR/responder.log" 2>&1 3>&- &
	echo $! >>"$DNS_DIR/responders"
	for ((i = 0; i < 1000; i++)); do
		[[ ! -e $DNS_DIR/responder.port ]] || break
		read -rt 0.01 <> <(:) || true
	done
	# shellcheck disable=SC2034 # for the tests
	RESPONDER_PORT=$(cat "$DNS_DIR/responder.port")
}

dns_stop() {
	local run pid
	for run in "$DNS_DIR"/*/; do
		[[ ! -e $run/pid ]] || nsd_stop "$(basename "$run")"
	done
	if [[ -e $DNS_DIR/responders ]]; then
		while read -r pid; do kill -TERM "$pid" 2>/dev/null || true; done <"$DNS_DIR/responders"
		rm -f "$DNS_DIR/responders"
	fi
}
