# For the tests of weir-extract and weir-scan: mail made on the spot, and signatures of our own.

MARK='WEIR-TEST-OBJECT-''5d1c'	# stands for malware; sigs() knows it

# mail NAME.eml FILE...: text, then each file as a base64 attachment.
mail() {
	local out=$1 f
	shift
	{
		printf 'From: a@x.example\r\nTo: b@y.example\r\nSubject: %s\r\nMessage-ID: <%s@x.example>\r\n' "$out" "$out"
		printf 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n'
		printf -- '--bb\r\nContent-Type: text/plain\r\n\r\nsee what is attached\r\n'
		for f; do
			printf -- '--bb\r\nContent-Type: application/octet-stream; name="%s"\r\n' "$(basename "$f")"
			printf 'Content-Transfer-Encoding: base64\r\n\r\n'
			base64 "$f" | sed 's/$/\r/'
		done
		printf -- '--bb\r\nContent-Type: text/plain\r\n\r\nthe end\r\n--bb--\r\n'
	} >"$out"
}

# raw FILE...: a record for each.
raw() {
	local f
	for f; do
		printf '{"weir":1,"id":"%s","raw":{"path":"%s","size":%s}}\n' \
			"$(sha256sum "$f" | cut -c1-64)" "$(realpath "$f")" "$(stat -c %s "$f")"
	done
}

# sigs: a folder db with signatures for MARK and for the harmless file of clamav-testfiles.
sigs() {
	mkdir -p db
	printf 'Test.Mark:0:*:%s\n' "$(printf %s "$MARK" | od -An -tx1 | tr -d ' \n')" >db/test.ndb
	echo 'aa15bcf478d165efd2065190eb473bcb:544:ClamAV-Test-File' >db/test.hdb
}

# extracted FILE...: records as weir-scan wants them.
extracted() { raw "$@" | weir-parse -r -R . | weir-extract -R .; }
# scan FILE...: the whole way, with those signatures.
scan() { extracted "$@" | weir-scan -j1 --db db -R .; }

# bytes_of PART: the extracted bytes of a part of the record on stdin.
bytes_of() {
	local path offset size
	read -r path offset size < <(jq -r --arg p "$1" '.attachments[] | select(.part == $p) | "\(.path) \(.offset // 0) \(.size)"')
	tail -c "+$((offset + 1))" "$path" | head -c "$size"
}
