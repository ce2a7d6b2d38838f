load common

suite() { "${WEIR_UNIT:-$TOP/build/unit}/../suite/$@"; }

@test "every validation case of suites/arc has the result that is expected" {
	[ -e "$WEIR_SUITES/arc/arc-draft-validation-tests.yml" ] || skip "NO TEST DATA: $WEIR_SUITES/arc is missing (set WEIR_SUITES)"
	"${PYTHON:-/usr/bin/python3}" "$TOP/tests/suite-arc.py" "$WEIR_SUITES/arc/arc-draft-validation-tests.yml" cases
	for folder in cases/*; do
		cut -f1,2 "$folder/expected.tsv" | sort >want
		(cd "$folder" && suite arc --dns zone --now 1500000000 ./*.eml) >got
		sed 's|^\./||' got | cut -f1,2 | sort | diff want - || { cat got; false; }
	done
	[ "$(cat cases/*/expected.tsv | wc -l)" = 171 ]
}

@test "the chains of suites/dkim/arc, sealed by Google and others, hold" {
	[ -d "$WEIR_SUITES/dkim/arc" ] || skip "NO TEST DATA: $WEIR_SUITES/dkim/arc is missing (set WEIR_SUITES)"
	for f in "$WEIR_SUITES"/dkim/arc/*.txt; do	# key records, an empty line, a message
		sed '/^$/,$d' "$f" | awk '{ n = $1; sub(/^[^ ]+ /, ""); printf "%s. TXT", n
			for (i = 1; i <= length($0); i += 250) printf " \"%s\"", substr($0, i, 250); print "" }' >zone
		sed '1,/^$/d' "$f" >m
		suite arc --dns zone --now 1667900000 m
	done >got
	cat got
	[ "$(cut -f2 got | xargs)" = 'pass pass' ]
}
