load common

@test "chains of our own: none is taken for whole that is not, nor the other way round" {
	mkdir cases
	"${PYTHON:-/usr/bin/python3}" "$TOP/tests/arc-cases.py" cases
	cd cases
	"${WEIR_UNIT:-$TOP/build/unit}/../suite/arc" --dns zone --now 1800000000 ./*.eml >got
	sed 's|^\./||' got | cut -f1,2 | diff <(cut -f1,2 expected.tsv) - || { cat got; false; }
	[ "$(wc -l <expected.tsv)" -ge 48 ]
}
