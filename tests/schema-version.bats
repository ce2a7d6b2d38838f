load common

# Two versions on one home (a cluster in the middle of an update), and indexes that rot.

filled() {
	"$TOP/tests/records.py" make m "${1:-60}" "${2:-0}" >r
	"$TOP/tests/records.py" make m2 20 >r2
	weir-tenant add acme
	weir-domain add acme acme.example
	weir-store <r >/dev/null
	ENTITIES=$WEIR_HOME/tenants/acme/entities DATA=$WEIR_HOME/tenants/acme/entities/data.mdb
	PACK=$WEIR_HOME/tenants/acme/blobs/pack/00000001.pack
	want=$(weir-fsck --digest acme)
}
# What a program of the future would leave: another number under meta/schema.
newer() {
	mdb_dump -a -n "$DATA" >/dev/null 2>&1 || skip "SKIPPED: no mdb_dump (lmdb-utils)"
	mdb_dump -s meta "$ENTITIES" | awk '{ print } /^ 736368656d61$/ { getline; print " 63000000" }' >dump
	mdb_load -s meta -f dump "$ENTITIES"
}
readers() {
	cat <<-'X'
		weir-ls messages acme
		weir-ls threads acme
		weir-ls attachments acme
		weir-show acme 000000
		weir-export acme --mbox
		weir-fsck --digest acme
	X
}

@test "a newer schema: every reader and writer refuses with 78 and changes nothing" {
	filled
	newer
	before=$(sha256sum "$DATA" "$PACK")
	while read -r line; do
		run -78 $line
		[[ $output == *"schema 99"* ]] || { echo "$line: $output"; false; }
	done < <(readers | grep -v 'show\|export')
	run weir-store <r2
	[ "$status" = 78 ]
	[[ $output == *'"store_failed"'* && $output != *'"stored"'* ]]
	run -78 weir-address add acme a@acme.example
	run -78 weir-tenant set acme scan.encrypted flag
	run weir-thread <r2
	[ "$status" = 78 ] || { echo "$status $output"; false; }
	[ "$(sha256sum "$DATA" "$PACK")" = "$before" ]
}

@test "a newer schema that appears between open and begin is refused, too" {
	filled
	mkfifo in out
	weir-store <in >out 2>err & pid=$!
	exec 5>in 6<out
	head -1 r2 >&5
	read -r -t 20 line <&6
	[[ $line == *'"stored"'* ]]
	newer
	before=$(sha256sum "$DATA" "$PACK")
	tail -n +2 r2 >&5
	exec 5>&-
	cat <&6 >rest
	exec 6<&-
	status=0
	wait $pid || status=$?
	[ "$status" = 78 ] && grep -q 'schema 99' err
	! grep -q '"stored"' rest
	[ "$(sha256sum "$DATA" "$PACK")" = "$before" ]
}

@test "a bit flipped in the journal is named by fsck, the rest stays readable; a torn tail is cut off" {
	filled 60 3000
	weir-ls messages acme --json | jq -r .id | sort >ids
	python3 - "$PACK" <<-'X'
		import sys
		d = bytearray(open(sys.argv[1], "rb").read())
		d[len(d) // 2] ^= 4
		open(sys.argv[1], "wb").write(d)
	X
	run -65 weir-fsck acme
	[[ $output == *"journal 00000001.pack"* ]]
	lost=0
	while read -r id; do
		status=0
		weir-cat acme "$id" >bytes 2>err || status=$?
		case $status in
		0) [ "$(sha256sum <bytes | cut -c1-64)" = "$id" ] ;;
		65) lost=$((lost + 1)) ;;
		*) echo "$id: $status"; cat err; false ;;
		esac
	done <ids
	[ "$lost" -le 1 ]
}
