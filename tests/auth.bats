load common

# auth VERDICTS: what weir-auth says of them, compact.
auth() { printf '{"weir":1,"id":"x","verdicts":%s}\n' "$1" | weir-auth | jq -c .auth; }

@test "the spool's verdicts: PASS is pass, FAIL is fail, and the domain's policy is kept" {
	run auth '{"source":"ses-receipt","spf":"PASS","dkim":"PASS","dmarc":"FAIL","dmarc_policy":"reject"}'
	[ "$output" = '{"source":"ses-receipt","spf":{"result":"pass","ses":"PASS"},"dkim":{"result":"pass","ses":"PASS"},"dmarc":{"result":"fail","ses":"FAIL","policy":"reject","action":"flag"}}' ]
}

@test "GRAY is neutral, none and none; PROCESSING_FAILED is temperror" {
	run auth '{"source":"ses-receipt","spf":"GRAY","dkim":"GRAY","dmarc":"GRAY"}'
	[ "$(jq -r '[.spf,.dkim,.dmarc|.result]|join(" ")' <<<"$output")" = "neutral none none" ]
	run auth '{"source":"ses-receipt","spf":"PROCESSING_FAILED","dkim":"PROCESSING_FAILED","dmarc":"PROCESSING_FAILED"}'
	[ "$(jq -r '[.spf,.dkim,.dmarc|.result]|join(" ")' <<<"$output")" = "temperror temperror temperror" ]
}

@test "GRAY with a DMARC policy is a failure" {
	run auth '{"source":"ses-receipt","dmarc":"GRAY","dmarc_policy":"none"}'
	[ "$(jq -r .dmarc.result <<<"$output")" = fail ]
}

@test "the text of Authentication-Results refines a verdict" {
	run auth '{"source":"ses-receipt","spf":"GRAY","dkim":"GRAY","dmarc":"GRAY","authentication_results":"amazonses.com; spf=softfail (spfCheck: transitioning domain of x.example does not designate 192.0.2.1 as permitted sender) client-ip=192.0.2.1; envelope-from=a@x.example; helo=h.example; dmarc=fail header.from=x.example;"}'
	[ "$(jq -r '[.spf,.dkim,.dmarc|.result]|join(" ")' <<<"$output")" = "softfail none fail" ]
}

@test "the text never makes a pass of a verdict that is none" {
	for v in FAIL GRAY PROCESSING_FAILED DISABLED WHATEVER pass ""; do
		run auth '{"source":"ses-receipt","spf":"'$v'","dkim":"'$v'","dmarc":"'$v'","authentication_results":"amazonses.com; spf=pass; dkim=pass; dmarc=pass;"}'
		[[ -n $v ]] || continue
		[[ $output != *'"pass","ses"'* ]]
	done
}

@test "without verdicts everything is unchecked" {
	run -0 bash -c 'echo "{\"weir\":1}" | weir-auth'
	[ "$output" = '{"weir":1,"auth":{"source":"none","spf":{"result":"unchecked"},"dkim":{"result":"unchecked"},"dmarc":{"result":"unchecked"}}}' ]
}

@test "verdicts from an unknown source are nobody's" {
	run auth '{"source":"my-cousin","spf":"PASS","dkim":"PASS","dmarc":"PASS"}'
	[ "$(jq -r '[.source,.spf.result,.dkim.result,.dmarc.result]|join(" ")' <<<"$output")" = "none unchecked unchecked unchecked" ]
}

@test "words nobody knows are unchecked and kept as they are" {
	run auth '{"source":"ses-receipt","spf":"DISABLED","dkim":"PERHAPS","dmarc":"pass"}'
	[ "$(jq -c '[.spf,.dkim,.dmarc]' <<<"$output")" = '[{"result":"unchecked","ses":"DISABLED"},{"result":"unchecked","ses":"PERHAPS"},{"result":"unchecked","ses":"pass"}]' ]
}

@test "without a notification the header field speaks for itself" {
	run auth '{"source":"ses-header","authentication_results":"amazonses.com;\n spf=pass (spfCheck: domain of x.example designates 192.0.2.1 as permitted sender) client-ip=192.0.2.1; envelope-from=a@x.example; helo=h.example;\n dkim=pass header.i=@x.example;\n dkim=pass header.i=@y.example;\n dmarc=pass header.from=x.example;"}'
	[ "$(jq -r '[.source,.spf.result,.dkim.result,.dmarc.result]|join(" ")' <<<"$output")" = "ses-header pass pass pass" ]
}

@test "a HELO name or a sender cannot add results of its own" {
	run auth '{"source":"ses-header","authentication_results":"amazonses.com; spf=fail (spfCheck: x) client-ip=192.0.2.1; envelope-from=\"a; dkim=pass \"@x.example; helo=h; dmarc=pass; dmarc=fail header.from=x.example;"}'
	[ "$(jq -r '[.spf.result,.dkim.result,.dmarc.result]|join(" ")' <<<"$output")" = "fail unchecked unchecked" ]
	run auth '{"source":"ses-header","authentication_results":"amazonses.com;\n spf=fail (x) client-ip=192.0.2.1; envelope-from=a@x; helo=h; dkim=pass;\n dmarc=fail header.from=x.example;"}'
	[ "$(jq -r '[.spf.result,.dkim.result,.dmarc.result]|join(" ")' <<<"$output")" = "fail unchecked fail" ]
}

@test "somebody else's Authentication-Results say nothing" {
	run auth '{"source":"ses-header","authentication_results":"mx.evil.example; spf=pass; dkim=pass; dmarc=pass"}'
	[[ $output != *pass* ]]
}

@test "a record that was stopped passes untouched, and every foreign byte stays" {
	echo '{"weir":1,"x": [1,  2],"hold":{"by":"weir-parse","reason":"r","detail":"d"}}' >in
	weir-auth <in | cmp - in
	printf '{"weir":1,"x": [1,  2] , "y":"\\u00e9" }\n' | weir-auth >out
	[[ $(cat out) == '{"weir":1,"x": [1,  2] , "y":"\u00e9" ,"auth":'* ]]
}

@test "from a stored SES header, a HELO name cannot make a DKIM pass" {
	mkdir spool
	printf '%s\r\n' 'Return-Path: <a@x.example>' \
		'Received: from h (h [192.0.2.1])' ' by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abcdefghijklmnopqrstuvwxyz0123456789abcd' ' for info@y.example;' ' Mon, 09 Nov 2026 05:42:04 +0000 (UTC)' \
		'X-SES-Spam-Verdict: PASS' 'X-SES-Virus-Verdict: PASS' \
		'Received-SPF: fail (spfCheck: x) client-ip=192.0.2.1; envelope-from=a@x.example; helo=h;' \
		'Authentication-Results: amazonses.com;' ' spf=fail (spfCheck: x) client-ip=192.0.2.1; envelope-from=a@x.example; helo=h; dkim=pass header.i=@bank.example;' ' dmarc=fail header.from=bank.example;' \
		'From: a@bank.example' '' 'x' >spool/abcdefghijklmnopqrstuvwxyz0123456789abcd
	[ "$(weir-spool list spool | weir-auth | jq -r '[.auth.source,.auth.spf.result,.auth.dkim.result,.auth.dmarc.result]|join(" ")')" = "ses-header fail none fail" ]
}
