load common

# What every program has in common, driven from one table:
#   the program
#   null:    its status with no arguments and /dev/null as stdin
#   writes:  a command that has something to write (run as `sh -c`; for /dev/full and a closed stdout)
#   missing: status, what the line on stderr must name, and a command that asks for what is not there
# In the commands: $id is a stored message's id; stdin is a record that has been stopped (it passes through every
# filter) for `writes`, and one that names a missing file for `missing`.
table() {
	cat <<-'EOT'
	weir-address|64|weir-address list acme|65|nobody|weir-address list nobody
	weir-auth|0|weir-auth|65|line 1|echo nonsense \| weir-auth
	weir-cat|64|weir-cat acme $id|65|ffffffff|weir-cat acme ffffffff
	weir-domain|64|weir-domain list|65|nobody|weir-domain add nobody x.example
	weir-event|64|weir-event dmarc --table acme|65|nobody|weir-event list nobody
	weir-export|64|weir-export acme|65|nobody|weir-export nobody
	weir-extract|0|weir-extract|74 65|missing.eml|weir-extract
	weir-fsck|0|weir-fsck --digest acme|65|nobody|weir-fsck nobody
	weir-inbox|64|weir-inbox list acme|65|nobody|weir-inbox list nobody
	weir-ls|64|weir-ls acme|65|nobody|weir-ls nobody
	weir-parse|65|weir-parse -r|65 74|missing.eml|weir-parse missing.eml
	weir-route|0|weir-route|78|nobody|weir-route --tenant nobody
	weir-scan|78|weir-scan --db $SAMPLES/signatures|78|missing.db|weir-scan --db missing.db
	weir-show|64|weir-show acme $id|65|ffffffff|weir-show acme ffffffff
	weir-sign|64|weir-sign -r --domain x.example --selector s --key $BATS_FILE_TMPDIR/key.pem|78|missing.pem|weir-sign --domain x.example --selector s --key missing.pem
	weir-spool|64|weir-spool list maildir|65 74|missing|weir-spool list missing
	weir-store|0|weir-store|64|missing|weir-store -R missing
	weir-tenant|64|weir-tenant list|65|nobody|weir-tenant show nobody
	weir-thread|0|weir-thread|65|line 1|echo nonsense \| weir-thread
	weir-why|64|weir-why acme $id|65|ffffffff|weir-why acme ffffffff
	EOT
}

# A home with one tenant and one message in it, and a maildir.
setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	export WEIR_HOME=$BATS_FILE_TMPDIR/home
	mkdir -p maildir/{cur,new,tmp} spool
	openssl genpkey -algorithm ed25519 -out key.pem
	printf '%s\r\n' 'From: a@b.example' 'To: c@acme.example' 'Subject: one' 'Message-ID: <one@b.example>' \
		'Date: Fri, 20 Nov 2026 09:15:00 +0000' '' 'text' | tee spool/one >maildir/cur/1.one:2,S
	weir-tenant add acme
	weir-domain add acme acme.example
	weir-address add acme c@acme.example
	WEIR_SPOOL=$PWD/spool sh "weir-spool claim spool | weir-parse -r | weir-route --tenant acme --address c@acme.example | weir-auth |
		weir-extract | weir-scan --db $SAMPLES/signatures | weir-thread | weir-store | weir-spool ack spool"
}

# Calls check NAME NULL WRITES STATUS NAMED MISSING for each program that was built.
each_program() {
	local name null writes status named missing p failed=
	cp -r "$BATS_FILE_TMPDIR/"{home,maildir} .
	id=$(weir-ls messages --json acme | jq -r .id)
	export id
	printf '{"weir":1,"id":"%064d","hold":{"by":"test","reason":"again","detail":"x"}}\n' 1 >stopped
	printf '{"weir":1,"id":"%064d","raw":{"path":"%s/missing.eml","size":1},"message":{},"parts":[{"part":"1","kind":"leaf","content_type":"text/plain","range":[0,1],"encoding":"7bit","size":1}],"tenant":"acme"}\n' 1 "$PWD" >gone
	for p in "$WEIR_BIN"/weir-*; do
		[ -x "$p" ] || continue
		name=${p##*/}
		IFS='|' read -r null writes status named missing < <(table | sed -n "s/^$name|//p" | sed 's/\\|/\x01/g')
		[ -n "$null" ] || { echo "$name has no row in the table"; failed=1; continue; }
		missing=${missing//$'\x01'/|}
		"$1" || { echo "$name: $1: status ${got-} out: $(head -c 300 out) err: $(head -c 300 err)"; failed=1; }
	done
	[ -z "$failed" ]
}
run_it() {	# run_it COMMAND: status in $got, its words in out and err
	got=0
	bash -c "$1" >out 2>err || got=$?
}

help_is_told() {
	local o
	for o in --help -h; do
		run_it "$name $o </dev/null"
		[ "$got" = 0 ] && [ ! -s err ] && grep -q "^usage: $name" out || return
	done
}
@test "--help and -h print the usage on stdout and end with 0" { each_program help_is_told; }

version_is_told() {
	run_it "$name --version </dev/null"
	[ "$got" = 0 ] && [ ! -s err ] && grep -qx "$name [0-9.]*" out
}
@test "--version prints the version on stdout and ends with 0" { each_program version_is_told; }

bad_option() {
	local o
	for o in --no-such-option -%; do
		run_it "$name $o </dev/null"
		[ "$got" = 64 ] && [ ! -s out ] && grep -q "^usage: $name" err && head -1 err | grep -q "^$name: .*${o#-}" || return
	done
}
@test "a bad option is named on stderr with the usage and ends with 64" { each_program bad_option; }

nothing_in() {
	run_it "$name </dev/null"
	[ "$got" = "$null" ] && { [ "$got" = 0 ] || grep -q "^$name: " err; }
}
@test "nothing on stdin and no arguments has the status that the table says" { each_program nothing_in; }

stdout_full() {
	run_it "{ $writes; } <stopped"
	[ "$got" = 0 ] && [ -s out ] || return
	run_it "{ $writes; } <stopped >/dev/full"
	[ "$got" = 74 ] && grep -q "^$name: .*No space left on device" err || return
	run_it "$name --help >/dev/full"
	[ "$got" = 74 ] && grep -q "^$name: " err
}
@test "a full disk behind stdout is told and ends with 74" { each_program stdout_full; }

stdout_closed() {
	run_it "{ $writes; } <stopped >&-"
	[ "$got" = 74 ] && grep -q "^$name: .*Bad file descriptor" err || return
	run_it "$name --help >&-"
	[ "$got" = 74 ]
}
@test "a closed stdout is told and ends with 74, and nothing is written elsewhere" { each_program stdout_closed; }

not_there() {
	run_it "{ $missing; } <gone"
	[[ " $status " == *" $got "* ]] && grep -q "^$name: .*$named" err
}
@test "what is not there is named on stderr" { each_program not_there; }

stdin_closed() {
	[ "$name" = weir-fsck ] && return	# has work without it
	run_it "$name <&-"
	[ "$got" != 0 ] && [ "$got" -lt 79 ] && grep -q "^$name: " err
}
@test "a closed stdin is told, no file is taken for it" {
	each_program stdin_closed
}

not_a_record() {
	[[ $name =~ ^weir-(auth|extract|route|store|thread)$ ]] || return 0
	run_it "printf '%s\n' nonsense '{\"weir\":2}' '{\"id\":1,\"weir\":1}' | cat - stopped | $name"
	[ "$got" = 65 ] && [ "$(grep -c "^$name: .*line [123]:" err)" = 3 ] && cmp out stopped
}
@test "lines that are no records are named, skipped and end with 65; the rest goes on" { each_program not_a_record; }
