# A home into which the samples were ingested: once per file, for tests that only read.
# Each test gets WEIR_HOME, SPOOL (what is left of it) and an empty folder of its own.
setup_file() {
	load common
	export WEIR_HOME=$BATS_FILE_TMPDIR/home SPOOL=$BATS_FILE_TMPDIR/spool
	cp -r "$SAMPLES/spool" "$SPOOL"
	"$SAMPLES/setup"
	cd "$BATS_FILE_TMPDIR" || return
	weir-spool claim spool | weir-parse -r -R spool | weir-route | weir-auth | weir-extract -R spool \
		| weir-scan -R spool --db "$SAMPLES/signatures" 2>"$BATS_FILE_TMPDIR/scan.err" \
		| weir-thread | weir-store -R spool | weir-spool ack spool || [ $? = 75 ]
}

setup() {
	export WEIR_HOME=$BATS_FILE_TMPDIR/home SPOOL=$BATS_FILE_TMPDIR/spool
	unset WEIR_SPOOL
	cd "$BATS_TEST_TMPDIR" || return
}
