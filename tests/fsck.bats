load common

filled() {
	"$TOP/tests/records.py" make m "${1:-50}" "${2:-0}" >r
	weir-tenant add acme
	weir-store <r >/dev/null
	DATA=$WEIR_HOME/tenants/acme/entities/data.mdb
	PACK=$WEIR_HOME/tenants/acme/blobs/pack/00000001.pack
}

@test "a good store is ok, one line a tenant" {
	filled
	weir-tenant add globex
	run -0 weir-fsck
	[ "${lines[0]}" = "acme: ok: 50 messages in 15 threads, 17 attachments, 63 deliveries" ] || { echo "$output"; false; }
	[ "${lines[1]}" = "globex: ok: 0 messages in 0 threads, 0 attachments, 0 deliveries" ]
	weir-fsck --json acme | jq -e '.type=="fsck" and .problems==0 and .messages==50'
}

@test "an unknown tenant is 65" {
	run -65 weir-fsck nobody
	run -65 weir-fsck ../../etc
}

@test "--rebuild makes the same store again from the journal" {
	filled 300 300000
	want=$(weir-fsck --digest acme)
	rm -r "$WEIR_HOME/tenants/acme/entities"
	run -65 weir-fsck acme
	[[ $output == *--rebuild* ]]
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
	weir-store <r | jq -e -s 'map(.stored.new)|any|not'
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "a truncated, emptied or overwritten index is told, never a crash, and rebuilt to the same digest" {
	filled 200
	want=$(weir-fsck --digest acme)
	cp "$DATA" good
	size=$(stat -c %s good)
	for damage in 'truncate -s 0' 'truncate -s 5000' "truncate -s $((size - 4096))" "truncate -s $((size / 2))" \
		'zero 0 2' 'zero 1 1' 'junk 0 1' 'junk 2 50' "junk 20 $((size / 4096 - 20))"; do
		case $damage in
		truncate*) $damage "$DATA" ;;
		zero*) set -- $damage; dd if=/dev/zero of="$DATA" bs=4096 seek=$2 count=$3 conv=notrunc status=none ;;
		junk*) set -- $damage; yes 'junk junk!' | dd of="$DATA" bs=4096 seek=$2 count=$3 iflag=fullblock conv=notrunc status=none ;;
		esac
		run weir-fsck acme
		[ "$status" -eq 65 ] || { echo "$damage: $status $output"; false; }
		weir-fsck --rebuild acme
		[ "$(weir-fsck --digest acme)" = "$want" ]
		cp good "$DATA"
	done
}

@test "a store that is being used survives a rebuild beside it" {
	filled 20
	"$TOP/tests/records.py" make m2 40 >r2
	mkfifo in out
	weir-store <in >out 2>err &
	exec 5>in 6<out
	head -1 r2 >&5
	read -r -t 20 line <&6
	weir-fsck --rebuild acme
	tail -n +2 r2 >&5
	exec 5>&-
	cat <&6 >/dev/null
	exec 6<&-
	wait; cat err
	run -0 weir-fsck acme
	[[ $output == "acme: ok: 44 messages"* ]]
}

@test "a damaged journal is told by the check and by the rebuild; the rest comes back" {
	filled 200
	printf 'XXXX' | dd of="$PACK" bs=1 seek=5000 conv=notrunc status=none
	run -65 weir-fsck acme
	[[ $output == *"journal 00000001.pack"* ]]
	run -65 --separate-stderr weir-fsck --rebuild acme
	[[ $stderr == *"mail is missing"* ]]
	# Delivered again, what was lost is back.
	weir-store <r >/dev/null
	run -65 weir-fsck --json acme
	[ "$(jq -r 'select(.type=="problem").problem' <<<"$output" | grep -vc journal)" = 0 ]
	[ "$(jq -r 'select(.type=="fsck").messages' <<<"$output")" = 200 ]
}

@test "a blob that is gone, cut or changed is told" {
	filled 3 300000
	blob=$(find "$WEIR_HOME"/tenants/acme/blobs/?? -type f | head -1)
	cp "$blob" good
	echo >>"$blob"; printf x | dd of="$blob" conv=notrunc status=none
	run -65 weir-fsck acme
	[[ $output == *"is damaged"* ]]
	truncate -s 100 "$blob"
	run -65 weir-fsck acme
	rm "$blob"
	run -65 weir-fsck acme
	[[ $output == *"is missing"* ]]
	cp good "$blob"
	weir-fsck acme
}

@test "a backup is blobs/pack, then the rest of blobs: the same store comes out of it" {
	filled 30 300000
	mkdir -p copy/tenants/acme/blobs
	cp -r "$WEIR_HOME/tenants/acme/blobs/pack" copy/tenants/acme/blobs/
	want=$(weir-fsck --digest acme)
	"$TOP/tests/records.py" make m2 40 300000 >r2
	weir-store <r2 >/dev/null
	cp -rn "$WEIR_HOME/tenants/acme/blobs/." copy/tenants/acme/blobs/
	WEIR_HOME=$PWD/copy weir-fsck --rebuild acme
	[ "$(WEIR_HOME=$PWD/copy weir-fsck --digest acme)" = "$want" ]
}

@test "entries of a batch that never ended are left out, and the next writer cuts them off" {
	filled 20
	want=$(weir-fsck --digest acme)
	size=$(stat -c %s "$PACK")
	# The first entry once more: valid, but behind the last finished batch.
	head -c 200 /dev/zero >>"$PACK"
	weir-fsck acme
	weir-store <r >/dev/null
	[ "$(stat -c %s "$PACK")" = "$size" ]
	[ "$(weir-fsck --digest acme)" = "$want" ]
}

@test "wrong usage is 64" {
	run -64 weir-fsck --digest
	run -64 weir-fsck --rebuild a b
	run -64 weir-fsck --nonsense
}
