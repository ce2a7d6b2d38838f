load common

@test "every C unit test passes" {
	for t in "${WEIR_UNIT:-$TOP/build/unit}"/*; do
		[[ $t == *.d ]] && continue
		echo "$t"
		TMPDIR=$BATS_TEST_TMPDIR "$t"
	done
}
