# SPF test suites of other projects. Their folders are beside the project; without them: skipped.
load common

play() { # play FILE: the cases that differ, and "N of M"
	mkdir "$BATS_TEST_TMPDIR/${1##*/}"
	"$TOP/tests/suite-spf.py" "$1" "$BATS_TEST_TMPDIR/${1##*/}"
	"${WEIR_UNIT:-$TOP/build/unit}/../suite/spf" "$BATS_TEST_TMPDIR/${1##*/}"
}

@test "the RFC 7208 suite: 203 of 203, explanations too" {
	[ -d "$WEIR_SUITES/spf" ] || skip "NO $WEIR_SUITES/spf: the SPF suite was NOT run"
	run play "$WEIR_SUITES/spf/rfc7208-tests.yml"
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = "203 of 203" ]
}

@test "the RFC 4408 suite: what 7208 kept of it" {
	[ -d "$WEIR_SUITES/spf" ] || skip "NO $WEIR_SUITES/spf: the SPF suite was NOT run"
	run play "$WEIR_SUITES/spf/rfc4408-tests.yml"
	echo "$output"
	[ "${lines[-1]}" = "191 of 191" ]
}

@test "mail-auth's SPF cases: the same but for the differences that are listed" {
	[ -d "$WEIR_SUITES/dkim/spf" ] || skip "NO $WEIR_SUITES/dkim/spf: mail-auth's SPF cases were NOT run"
	for f in "$WEIR_SUITES"/dkim/spf/*.yml; do
		play "$f" 2>/dev/null | sed "s,^,$(basename "$f" .yml) ," || true
	done >found
	awk '$3 == "of" { n += $4; same += $2 } END { print same, n; exit n != 163 }' found
	grep ' | ' found | sort >differ
	sed -n 's/^| \([^|]*\) | \([^|]*\) | \([^|]*\) |.*/\1 | \2 | \3/p' "$TOP/tests/suite-spf-differences.md" | grep -v '^case' | grep -v '^-' | sort >listed
	diff listed differ
}
