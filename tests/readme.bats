load common

# A copy of what README speaks of, so that its commands leave the clone alone.
setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset WEIR_HOME WEIR_SPOOL
	mkdir clone && cp -r "$TOP/samples" "$TOP/pipelines" "$TOP/man" clone/ && mkdir clone/bin
	cp "$TOP/bin/weir" clone/bin/ && cp "$WEIR_BIN"/weir-* clone/bin/
	cd clone || return
}
blocks() { awk -v want="$1" '/^```/ { if (on) { if (n == want) exit; on = 0 } else { on = 1; n++; next } } on && n == want' "$TOP/README.md"; }

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
	awk '/^```$/ && !on { on = 1; next } /^```/ { if (on) exit } on' "$TOP/README.md" >../want
	# README shows the beginning of it; a line of "..." stands for what it leaves out.
	grep -vxF '...' ../want | grep -v '^make' | while IFS= read -r line; do
		grep -qxF -- "$line" ../out || { echo "README shows, demo does not print: $line"; exit 1; }
	done
}

@test "README's table names every program, and none that is not there" {
	sed -n '/^## The programs/,/^## /p' "$TOP/README.md" | grep -oE 'weir-[a-z]+' | sort -u >table
	ls "$TOP"/src/weir-*.c | sed 's|.*/||; s|\.c$||' | sort -u >src
	diff table src
}
