load common

# What the machine lacks is told with 74 or 75, nothing is stored by halves, and the same command goes on
# when there is enough. Needs root, to mount what can be filled up.

setup_file() {
	load common
	cd "$BATS_FILE_TMPDIR" || return
	"$TOP/tests/tools/make-mail" --messages 60 --tenants 2 --seed 7 mail
	export WEIR_HOME=$BATS_FILE_TMPDIR/calm
	tenants
	cp -r mail spool
	weir ingest --db "$SAMPLES/signatures" spool
	digests >want
}

setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home WANT=$BATS_FILE_TMPDIR/want
	cd "$BATS_TEST_TMPDIR" || return
	cp "$BATS_FILE_TMPDIR/mail.tenants" ..
	tenants
	mkdir -p sp "$WEIR_HOME/run"
	cp -r "$BATS_FILE_TMPDIR/mail" sp/spool
}

teardown() { [ ! -f mounted ] || umount "$(cat mounted)"; }

tenants() {
	while read -r t d; do
		weir-tenant add "$t" && weir-domain add "$t" "$d" && weir-address add "$t" "info@$d" || return
	done <"$BATS_FILE_TMPDIR/mail.tenants"
}
digests() { weir-fsck --digest t0 && weir-fsck --digest t1; }
ingest() { weir ingest --db "$SAMPLES/signatures" sp/spool; }

# A folder's content onto a small file system of its own.
small() {	# DIR OPTIONS
	[ "$(id -u)" = 0 ] || skip "SKIPPED: nobody but root can mount"
	mv "$1" keep && mkdir "$1"
	mount -t tmpfs -o "$2" weir-test "$1" || skip "SKIPPED: no mount here"
	echo "$PWD/${1#"$PWD/"}" >mounted
	case $1 in /*) echo "$1" >mounted ;; esac
	cp -a keep/. "$1/"
}
fill() {	# DIR FREE_KB
	local avail
	avail=$(df -k --output=avail "$1" | tail -1)
	[ "$avail" -le "$2" ] || head -c $(((avail - $2) * 1024)) /dev/zero >"$1/filler"
}

# 74 or 75, said in a line; what is there is whole.
fails() { run "$@"; [ "$status" = 74 ] || [ "$status" = 75 ] || { echo "$status: $output"; return 1; }; [ -n "$output" ]; }
whole() { run -0 weir-fsck; }
goes_on() {
	run -0 ingest
	whole
	[ "$(digests)" = "$(cat "$WANT")" ] || { echo "another digest"; return 1; }
	[ -z "$(find sp/spool/in sp/spool/.weir/{claimed,hold,quarantine} -type f)" ]
}
fills_up() {	# DIR FREE_KB...: fails each time, then goes on
	local dir=$1 free
	shift
	for free; do
		fill "$dir" "$free"
		fails ingest
		[[ $output == *"No space left"* || $output == *"Input/output error"* ]] || { echo "$output"; return 1; }
		rm "$dir/filler"
		whole
	done
	goes_on
}

@test "a full disk below the index: nothing half-stored, the same command goes on" {
	small "$WEIR_HOME/tenants/t0/entities" size=4m
	fills_up "$WEIR_HOME/tenants/t0/entities" 0 8 64
}

@test "a full disk below the blobs: nothing half-stored, the same command goes on" {
	small "$WEIR_HOME/tenants/t1/blobs" size=12m
	fills_up "$WEIR_HOME/tenants/t1/blobs" 0 64
}

@test "a full disk below run (staging, the scanner's folder): nothing half-stored, the same command goes on" {
	small "$WEIR_HOME/run" size=8m
	fills_up "$WEIR_HOME/run" 0 64
}

@test "a full disk below the ledger: no mail waits for it, or it goes on" {
	ingest_one() { weir ingest --db "$SAMPLES/signatures" one; }
	mkdir -p one/in
	cp "$(find sp/spool/in -type f | head -1)" one/in/
	run ingest_one
	small "$WEIR_HOME/ledger" size=1m
	fill "$WEIR_HOME/ledger" 0
	run ingest
	[ "$status" = 0 ] || [ "$status" = 74 ] || [ "$status" = 75 ]
	rm -f "$WEIR_HOME/ledger/filler"
	whole
	run -0 ingest
	whole
	[ "$(find sp/spool/in sp/spool/.weir/{claimed,hold,quarantine} -type f | wc -l)" = 0 ]
}

@test "a spool that can make no more files: nothing lost, the same command goes on" {
	small sp size=20m
	weir-address remove t0 info@t0.example || weir-address rm t0 info@t0.example
	mount -o remount,nr_inodes="$(($(df --output=iused sp | tail -1) + 6))" "$PWD/sp"
	fails ingest
	mount -o remount,nr_inodes=10000 "$PWD/sp"
	whole
	weir-address add t0 info@t0.example
	run ingest
	goes_on
}

@test "a store that is read-only: told, nothing lost, the same command goes on" {
	small "$WEIR_HOME/tenants" size=32m
	mount -o remount,ro "$WEIR_HOME/tenants"
	fails ingest
	[[ $output == *"Read-only"* ]]
	whole
	mount -o remount,rw "$WEIR_HOME/tenants"
	goes_on
}

@test "a spool that is read-only: told, nothing lost, the same command goes on" {
	small sp size=32m
	mount -o remount,ro "$PWD/sp"
	fails ingest
	[[ $output == *"Read-only"* ]]
	mount -o remount,rw "$PWD/sp"
	goes_on
}

@test "no permission for the store, the spool, run: told, nothing lost, the same command goes on" {
	# Root without the right to pass over permissions: the folder of these tests is open to nobody else.
	nobody() { setpriv --bounding-set=-dac_override,-dac_read_search "$TOP/bin/weir" ingest --db "$SAMPLES/signatures" sp/spool; }
	[ "$(id -u)" != 0 ] || setpriv --bounding-set=-dac_override true || skip "SKIPPED: no setpriv here"
	[ "$(id -u)" = 0 ] || nobody() { ingest; }
	local store=$WEIR_HOME/tenants
	for dirs in sp/spool/in "$WEIR_HOME/run" "$store/t0/entities $store/t1/blobs/pack"; do
		find $dirs -exec chmod a-w {} +
		fails nobody || { echo "$dirs"; false; }
		[[ $output == *"Permission denied"* ]] || { echo "$dirs: $output"; false; }
		find $dirs -exec chmod u+w {} +
		whole
	done
	goes_on
}

@test "no file descriptors left: told or done, never lost" {
	lots() { (ulimit -n "$1"; ingest); }
	for n in 11 12 13 14 15 16 18 20 24 32; do
		run lots $n
		# Below what the shell wants it is the shell that ends, with a status of its own.
		case $status in 0 | 74 | 75) ;; *) [ "$n" -lt 14 ] || { echo "$n: $status $output"; false; } ;; esac
		[ "$status" != 0 ] || [ "$(find sp/spool/in -type f | wc -l)" = 0 ] || { echo "$n: 0, and the spool is full"; false; }
		whole
	done
	weir-spool release sp/spool >/dev/null
	goes_on
}

@test "no memory: told or done, never lost" {
	[ -z "${WEIR_ASAN:-}" ] || skip "AddressSanitizer wants address space of its own"
	little() { (ulimit -v "$1"; ingest); }
	for kb in 20000 100000 400000 2000000 60000000 70000000 100000000; do
		status=0
		output=$(little $kb 2>&1) || status=$?
		# A program that cannot even be loaded ends with the loader's 127.
		case $status in 0 | 74 | 75 | 127) ;; *) echo "$kb: $status $output"; false ;; esac
		whole
	done
	weir-spool release sp/spool >/dev/null
	goes_on
}
