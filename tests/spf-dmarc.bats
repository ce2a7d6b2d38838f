# SPF and DMARC by others' hands: random worlds of records, the same each time.
load common

@test "SPF: the results of pyspf in 1,500 random worlds" {
	mkdir worlds
	"$TOP/tests/spf-peer.py" 7 1500 worlds
	run "${WEIR_UNIT:-$TOP/build/unit}/../suite/spf" worlds
	echo "$output"
	[ "$status" = 0 ]
	[ "${output%% of*}" -gt 5000 ]
	# each result is among them
	[ "$(cut -sf5 worlds/*.cases | sort -u | wc -l)" = 7 ]
}

@test "DMARC: the verdicts of a model that follows RFC 9989 word by word in 1,500 random worlds" {
	mkdir worlds
	run "$TOP/tests/dmarc-model.py" "${WEIR_UNIT:-$TOP/build/unit}/../suite/dmarc" 1 1500 worlds
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "6000 of 6000" ]
}
