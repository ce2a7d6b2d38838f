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

# Told as damage (65 and what to do), or not met at all (0): never a crash, never a hang.
told() {	# DAMAGE COMMAND...
	local damage=$1 status=0
	shift
	timeout 20 "$@" </dev/null >told 2>&1 || status=$?
	case $status in 0 | 65) ;; *) echo "$damage: $*: $status"; cat told; return 1 ;; esac
}

rot() {	# SEED: one of the ways of an index to rot
	python3 - "$DATA" "$1" <<-'X'
		import random, sys
		path, seed = sys.argv[1], int(sys.argv[2])
		r, d, page = random.Random(seed), bytearray(open(path, "rb").read()), 4096
		pages = len(d) // page
		def put(n, what): d[n * page:(n + 1) * page] = what
		way = seed % 6
		if way == 0: del d[r.randrange(1, len(d)):]
		elif way == 1: [put(r.randrange(pages), bytes(page)) for _ in range(3)]
		elif way == 2: [put(r.randrange(2, pages), r.randbytes(page)) for _ in range(4)]
		elif way == 3: a, b = d[:page], d[page:2 * page]; put(0, b); put(1, a)
		elif way == 4: [d.__setitem__(i, d[i] ^ 1 << i % 8) for i in (r.randrange(2 * page, len(d)) for _ in range(40))]
		else: a, b = r.randrange(2, pages), r.randrange(2, pages); x, y = d[a*page:(a+1)*page], d[b*page:(b+1)*page]; put(a, y); put(b, x)
		open(path, "wb").write(d)
	X
}

@test "an index that rots in any way is told by every reader and writer, and rebuilt to the same digest" {
	filled 200
	cp "$DATA" good
	id=$(weir-ls messages acme --json | head -1 | jq -r .id)
	for seed in $(seq "${SEED:-1}" $((${SEED:-1} + 11))); do
		rot "$seed"
		cp "$DATA" rotten
		for c in 'weir-ls messages acme' 'weir-ls threads acme' 'weir-ls attachments acme' "weir-show acme $id" \
			"weir-cat acme $id" 'weir-fsck --digest acme' 'weir-fsck acme' 'weir-address list acme'; do
			told "$seed" $c
		done
		status=0
		timeout 20 weir-store <r2 >out 2>err || status=$?
		# 74 rather than 65: a pipeline must not take it for a fault of the mail.
		case $status in 0) ;; 65 | 74) grep -q -e --rebuild err ;; *) echo "$seed: weir-store: $status"; cat err; false ;; esac
		[ "$status" = 0 ] || ! grep -q '"stored"' out
		weir-fsck --rebuild acme >/dev/null
		weir-store <r2 >/dev/null
		[ -z "$both" ] && both=$(weir-fsck --digest acme)
		[ "$(weir-fsck --digest acme)" = "$both" ]
	done
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

@test "an index older than its journal takes in what it lacks before anything is written: nothing is cut off" {
	filled 40
	cp "$DATA" old
	"$TOP/tests/records.py" make m3 30 >r3
	weir-store <r3 >/dev/null
	weir-store <r2 >/dev/null
	both=$(weir-fsck --digest acme)
	cp old "$DATA"
	head -1 r >one
	weir-store <one >/dev/null
	[ "$(weir-fsck --digest acme)" = "$both" ]
	weir-fsck acme
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$both" ]
}
