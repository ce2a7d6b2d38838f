load common

# The messages of Stalwart's mail-parser with the trees it expects (suites/mime/eml).
@test "mail-parser's 107 messages: subject, addresses, date, text, attachment names and bytes are as expected, or the table says why not" {
	[[ -d $WEIR_SUITES/mime/eml ]] || skip "NO SUITE: $WEIR_SUITES/mime/eml is missing"
	mkdir work
	"$TOP/tests/suite-mime.py" "$WEIR_SUITES/mime/eml" work >found.tsv 2>told || { cat told; false; }
	sed -n 's/^| \([^|]*\) | \([^|]*\) | ...*/\1\t\2/p' "$TOP/tests/suite-mime-differences.md" |
		grep -v -e '^message' -e '^---' | LC_ALL=C sort >listed.tsv
	LC_ALL=C sort -o found.tsv found.tsv
	diff listed.tsv found.tsv || { echo "< listed, no longer so   > not listed:"; cat told; false; }
	grep -q '^107 messages$' told
}
