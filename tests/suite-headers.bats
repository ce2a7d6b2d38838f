load common

# "| address 8 | ..." in the section on header fields.
listed() { awk -F'|' '/^## /{on = /Header fields/} on && $2 ~ / [0-9]+ $/ {gsub(/^ | $/, "", $2); print $2}' "$TOP/tests/suite-differences.md"; }

@test "header fields of suites/mime read as expected, or the difference is explained" {
	[[ -d $WEIR_SUITES/mime ]] || skip "NO TEST DATA: $WEIR_SUITES/mime is missing (set WEIR_SUITES)"
	"${WEIR_UNIT:-$TOP/build/unit}/../suite/headers" "$WEIR_SUITES" >found
	listed | sort >listed
	grep -v $'^\t' found | cut -f1 | sort >differ
	if ! cmp -s listed differ; then
		echo "explained but the same (<), or different without a word (>):"
		diff listed differ || :
		cat found
		return 1
	fi
}
