load common

# A copy of what README speaks of, so that its commands leave the clone alone.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset WEIR_HOME WEIR_SPOOL
	mkdir clone && cp -r "$TOP/samples" "$TOP/pipelines" "$TOP/man" clone/ && mkdir clone/bin
	cp "$TOP/bin/weir" clone/bin/ && cp "$WEIR_BIN"/weir-* clone/bin/
	cd clone || return
}
@test "README's commands by hand work as printed" {
	awk '/^```sh/ { on = 1; b = ""; next } /^```/ { if (on && b ~ /weir ingest/) printf "%s", b; on = 0 } on { b = b $0 "\n" }' "$TOP/README.md" >../cmds
	grep -q 'weir ingest' ../cmds
	sed -i 's/^weir ingest.*/& || [ $? = 75 ]/' ../cmds
	env -u WEIR_BIN bash -eo pipefail ../cmds >../out 2>../err
	grep -q 'Heizung kalt' ../out
	grep -q 'Hello World' ../out
}

@test "make demo prints what README shows" {
	env -u WEIR_BIN samples/demo >../out 2>&1
	awk '/^```/ { if (on && want ~ /build\/demo/) exit; on = !on; want = ""; next } on { want = want $0 "\n" }
		END { printf "%s", want }' "$TOP/README.md" >../want
	[ -s ../want ]
	# README shows the beginning of it; a line of "..." stands for what it leaves out.
	# Only how long it took is another each time.
	sed -i -E 's/ in [0-9.]+ s \([0-9]+\/s\)/ in N s/' ../want ../out
	grep -vxF '...' ../want | while IFS= read -r line; do
		grep -qxF -- "$line" ../out || { echo "README shows, demo does not print: $line"; exit 1; }
	done
}

@test "README's table names every program, and none that is not there" {
	sed -n '/^## The programs/,/^## /p' "$TOP/README.md" | grep -oE 'weir-[a-z]+' | sort -u >table
	ls "$TOP"/src/weir-*.c | sed 's|.*/||; s|\.c$||' | sort -u >src
	diff table src
}

@test "README's domain is verified, loses a record and is told so, as shown" {
	load dns
	awk '/^## / { here = /tenant.s domain/ } here && /^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$TOP/README.md" >../cmds
	sed -n '/^service.acme.example (acme): success/,/^\.\.\.$/p' "$TOP/README.md" | sed '$d' >../want
	[ "$(wc -l <../want)" -gt 10 ]
	sed -i "s/5300/$(free_port)/" samples/nsd.conf
	port=$(sed -n 's/^  port: //p' samples/nsd.conf)
	sed -i "s/5300/$port/g" ../cmds
	env -u WEIR_BIN bash -eo pipefail ../cmds >../out 2>../err 3>&- || { kill "$(cat build/dns/nsd.pid)"; cat ../out ../err; false; }
	while IFS= read -r line; do
		grep -qxF -- "$line" ../out || { echo "README shows, but not printed: $line"; cat ../out; exit 1; }
	done <../want
}
