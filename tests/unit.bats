load common

@test "every C unit test passes" {
	for t in "${WEIR_UNIT:-$TOP/build/unit}"/*; do
		[[ $t == *.d ]] && continue
		echo "$t"
		"$t"
	done
}
