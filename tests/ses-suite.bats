load common

# Notifications that other projects publish: each is read, and its message goes to receipt.recipients.

setup_file() {
	load common
	export SES=$WEIR_SUITES/ses
	if [ ! -d "$SES" ]; then
		echo "# $SES is missing: the published notifications are NOT tested" >&3
		return 0
	fi
	cd "$BATS_FILE_TMPDIR" || return
	# path TAB id TAB key TAB recipients, read by jq alone (a BOM taken off)
	find "$SES" -name '*.json' | sort | while read -r f; do
		sed $'1s/^\xef\xbb\xbf//' "$f" | jq -r --arg f "$f" '
			def inner: if type == "object" and (.Message | type) == "string" then (.Message | try fromjson catch {}) else . end;
			(if type == "object" and has("Records") then .Records[] | (.ses // {}) else inner end)
			| select(type == "object" and (.receipt.recipients | type) == "array")
			| [$f, .mail.messageId, (.receipt.action.objectKey // "-"), (.receipt.recipients | join(","))] | @tsv'
	done >table
}

setup() {
	[ -d "$SES" ] || skip "no $SES"
	cd "$BATS_TEST_TMPDIR" || return
}

@test "there are at least 16 receipts of 5 projects" {
	[ "$(wc -l <"$BATS_FILE_TMPDIR/table")" -ge 16 ]
	[ "$(cut -f1 "$BATS_FILE_TMPDIR/table" | sed "s|^$SES/||; s|/.*||" | sort -u | wc -l)" -ge 5 ]
}

@test "every receipt is read, and its message has exactly its recipients" {
	while IFS=$'\t' read -r f id key want; do
		rm -rf s
		mkdir -p s/n
		cp "$f" s/n/x.json
		# The object as aws s3 sync leaves it, unless the notification carries the message.
		if [ "$key" != - ] && [ "$key" != email ]; then
			mkdir -p "s/$(dirname "./$key")"
			printf 'Subject: x\r\n\r\nx\r\n' >"s/$key"
		elif ! grep -q 'content\\":' "$f"; then
			printf 'Subject: x\r\n\r\nx\r\n' >"s/$id"
		fi
		[ -n "$want" ]
		got=$(weir-spool claim s | jq -r '.envelope.to | join(",")')
		[ "$got" = "$want" ] || { echo "$f: got '$got', want '$want'"; false; }
		[ ! -e s/n/x.json ] || { echo "$f $id $key"; find s; false; }
	done <"$BATS_FILE_TMPDIR/table"
}

@test "bounces, complaints, deliveries and subscriptions are left for others; what is no notification goes to quarantine" {
	mkdir s
	n=0
	find "$SES" -name '*bounce_sns_body.json' -o -name 'json-amazonses-0*.json' -o -name 'subscription_*.json' >list
	while read -r f; do cp "$f" "s/$((++n)).json"; done <list
	[ "$n" -ge 8 ]
	[ -z "$(weir-spool claim s)" ]
	[ "$(find s -maxdepth 1 -name '*.json' | wc -l)" = "$n" ]
	find "$SES" -path '*iamPolicy*' -name '*.json' -exec cp {} s/other.json \; -quit
	run -65 --separate-stderr weir-spool claim s
	[ -f s/.weir/quarantine/other%2Ejson ]
}

@test "a stored object that SES made is known by its header: sender, recipient, verdicts" {
	f=$SES/arithmetric+aws-lambda-ses-forwarder/test/assets/message.txt
	id=$(sed -n 's/.*with SMTP id \([^ ]*\).*/\1/p' "$f" | head -1 | tr -d '\r')
	mkdir s
	cp "$f" "s/$id"
	weir-spool list s | jq -e '.envelope == {from:"betsy@example.com",to:["info@example.com"],source:"ses-header"}'
	# Here the sender's own fields stand above what calls itself SES's: none of it counts.
	weir-spool list s | jq -e '.verdicts | del(.source) == {}'
}
