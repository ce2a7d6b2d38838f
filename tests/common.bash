# Shared by all tests: our programs first in PATH, a home and a folder of one's own.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SAMPLES=$TOP/samples
WEIR_BIN=${WEIR_BIN:-$TOP/bin}
WEIR_SUITES=$(realpath -m "${WEIR_SUITES:-$TOP/../shared/suites}")
WEIR_CORPORA=$(realpath -m "${WEIR_CORPORA:-$TOP/../shared/corpora}")
export TOP SAMPLES WEIR_BIN WEIR_SUITES WEIR_CORPORA
export PATH="$WEIR_BIN:$TOP/bin:$PATH"
export LC_ALL=C.UTF-8 TZ=UTC
# No test asks the machine's resolver: verdicts are the spool's, unless a test brings DNS of its own.
export WEIR_DNS=off

bats_require_minimum_version 1.5.0

setup() {
	export WEIR_HOME=$BATS_TEST_TMPDIR/home
	unset WEIR_SPOOL
	cd "$BATS_TEST_TMPDIR" || return
}

# A pipe in which every stage counts: sh 'a | b'.
sh() { bash -o pipefail -c "$1"; }
