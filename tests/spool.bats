load common

ID=0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s01

# An object as SES stores it: object ID RCPT [SENDER'S HEADER LINES]
object() {
	printf '%s\r\n' 'Return-Path: <kunde@kunde.example>' \
		'Received: from mx.kunde.example (mx.kunde.example [192.0.2.9])' \
		" by inbound-smtp.eu-central-1.amazonaws.com with SMTP id $1" " for $2;" \
		' Fri, 20 Nov 2026 09:15:02 +0000 (UTC)' \
		'X-SES-Spam-Verdict: PASS' 'X-SES-Virus-Verdict: PASS' \
		'Received-SPF: softfail (spfCheck: transitioning domain of kunde.example does not designate 192.0.2.9 as permitted sender) client-ip=192.0.2.9; envelope-from=kunde@kunde.example; helo=mx.kunde.example;' \
		'Authentication-Results: amazonses.com;' \
		' spf=softfail (spfCheck: x; dmarc=pass) client-ip=192.0.2.9; envelope-from=kunde@kunde.example; helo=mx.kunde.example;' \
		' dkim=pass header.i=@kunde.example;' ' dmarc=fail header.from=kunde.example;' \
		'X-SES-RECEIPT: AEFBQUFBQUFBQUE=' 'X-SES-DKIM-SIGNATURE: a=rsa-sha256; v=1;' "${@:3}" \
		'From: kunde@kunde.example' 'To: jemand@anders.example' 'Subject: hallo' '' 'Text'
}
# SES's notification: receipt ID RCPT[,RCPT] [SPAM]
receipt() {
	jq -nc --arg id "$1" --arg to "$2" --arg spam "${3:-PASS}" '{notificationType:"Received",
	mail:{timestamp:"2026-11-20T09:15:02.114Z",source:"kunde@kunde.example",messageId:$id,
	destination:["falsch@anders.example"],headersTruncated:false,headers:[],commonHeaders:{}},
	receipt:{timestamp:"2026-11-20T09:15:02.114Z",processingTimeMillis:5,recipients:($to|split(",")),
	spamVerdict:{status:$spam},virusVerdict:{status:"PASS"},spfVerdict:{status:"GRAY"},
	dkimVerdict:{status:"PASS"},dmarcVerdict:{status:"FAIL"},dmarcPolicy:"reject",
	action:{type:"S3",bucketName:"b",objectKeyPrefix:"in",objectKey:("in/"+$id)}}}'
}
raw() { printf 'From: a@x.example\nSubject: %s\n\nText %s\n' "$1" "$1"; }
raws() { mkdir -p s; for i in "$@"; do raw "$i" >"s/$i"; done; }
claim() { weir-spool claim "$@"; }
stored() { jq -c '. + {stored:{new:true}}'; }
held() { jq -c --arg r "${1:-unscanned}" '. + {hold:{by:"weir-scan",reason:$r,detail:"why"}}'; }
names() { jq -r .spool.name; }
count() { weir-spool status --json s | jq ".$1"; }
# What the record of one claim says, as name=to...
to() { jq -r '.spool.name + "=" + (.envelope.to | join(","))'; }

@test "claim, ack: records in order of names, messages end in done/, the lease is gone" {
	raws b a c
	claim s >out
	[ "$(names <out | paste -sd' ')" = 'a b c' ]
	[ "$(count incoming)$(count claimed)" = 03 ]
	while read -r f; do [ -f "$f" ]; done < <(jq -r .raw.path out)
	[ "$(jq -r .id out | head -1)" = "$(sha256sum <s/.weir/claimed/*/a | cut -d' ' -f1)" ]
	stored <out | weir-spool ack s
	[ "$(find s/.weir/done -type f | wc -l)" = 3 ]
	[ -z "$(find s/.weir/claimed -mindepth 1)" ]
	raw a | cmp - s/.weir/done/a
}

@test "the record of an SES message: receipt's recipients, source, verdicts, key order" {
	mkdir -p s/in
	object $ID rcpt@service.acme.example >s/in/$ID
	receipt $ID info@service.acme.example,zwei@service.acme.example >s/n.json
	claim s >out
	[ "$(jq -c keys_unsorted out)" = '["weir","id","raw","spool","envelope","verdicts"]' ]
	jq -e '.envelope == {from:"kunde@kunde.example",to:["info@service.acme.example","zwei@service.acme.example"],source:"ses-receipt"}' out
	jq -e '.verdicts | .spam == "PASS" and .spf == "GRAY" and .dmarc == "FAIL" and .dmarc_policy == "reject" and .source == "ses-receipt"' out
	jq -e '.spool.kind == "ses" and .spool.name == "in%2F'$ID'" and .spool.received == "2026-11-20T09:15:02Z"' out
	[ -z "$(find s -name '*.json' -not -path '*/claimed/*')" ]
}

@test "without a notification the first header block is believed, and nothing below it" {
	mkdir -p s
	object $ID info@service.acme.example 'X-SES-Spam-Verdict: FAIL' 'Authentication-Results: amazonses.com; dmarc=pass' >s/$ID
	claim s >out
	jq -e '.envelope == {from:"kunde@kunde.example",to:["info@service.acme.example"],source:"ses-header"}' out
	jq -e '.verdicts | .spam == "PASS" and .virus == "PASS" and .spf == "GRAY" and .dkim == "PASS" and .dmarc == "FAIL" and .source == "ses-header"' out
}

@test "a verdict that is absent stays absent, also when the sender writes one" {
	mkdir -p s
	object $ID info@service.acme.example 'X-SES-Virus-Verdict: PASS' | grep -av '^X-SES-\(Spam\|Virus\)-Verdict' >s/$ID
	sed -i 's/^From: kunde/X-SES-Virus-Verdict: PASS\r\n&/' s/$ID
	claim s | jq -e '.verdicts | has("virus") or has("spam") | not'
}

@test "in a folder that SES does not fill nothing in a header is believed" {
	mkdir -p s
	object $ID opfer@bank.example >s/angriff
	claim s >out
	jq -e '.spool.kind == "raw" and .envelope == {from:"",to:[],source:"none"} and (has("verdicts") | not)' out
	weir-spool release s; stored <out | weir-spool ack s
	mv s/.weir/done/angriff s/$ID
	claim --kind raw s | jq -e '.envelope.source == "none"'
}

@test "--kind ses: the block is believed whatever the file is called" {
	mkdir -p s
	object $ID a@b.example >s/$ID.eml
	weir-spool list s | jq -e '.envelope.source == "none"'
	weir-spool list --kind ses s | jq -e '.envelope.to == ["a@b.example"]'
}

@test "--recipient-header: the first such field says for whom, on request only" {
	mkdir -p m/new m/cur m/tmp
	printf 'Return-Path: <s@x.example>\nDelivered-To: me@home.example\nDelivered-To: forged@x.example\n\nx\n' >m/new/1.x
	weir-spool list m | jq -e '.envelope == {from:"",to:[],source:"none"}'
	weir-spool list --recipient-header delivered-to m |
		jq -e '.envelope == {from:"s@x.example",to:["me@home.example"],source:"option"}'
}

@test "several notifications: all recipients, the worst of the verdicts" {
	mkdir -p s
	object $ID x@y.example >s/$ID
	receipt $ID a@y.example PASS >s/1.json
	receipt $ID A@y.example,b@y.example GRAY >s/2.json
	receipt $ID c@y.example DISABLED >s/3.json
	claim s >out
	[ "$(wc -l <out)" = 1 ]
	[ "$(jq -r '.envelope.to | map(ascii_downcase) | sort | join(" ")' out)" = 'a@y.example b@y.example c@y.example' ]
	jq -e '.verdicts.spam == "GRAY"' out
	stored <out | weir-spool ack s
	[ "$(find s/.weir/done -type f | wc -l)" = 4 ]
}

@test "a verdict nobody has heard of is not PASS" {
	mkdir -p s
	object $ID x@y.example >s/$ID
	receipt $ID a@y.example SUPER >s/1.json
	claim s | jq -e '.verdicts.spam == "UNKNOWN"'
}

@test "a notification without its message waits; the message comes, both go" {
	mkdir -p s
	receipt $ID a@y.example >s/n.json
	[ -z "$(claim s)" ]
	[ -f s/n.json ]
	object $ID x@y.example >s/$ID
	[ "$(claim s | to)" = "$ID=a@y.example" ]
}

@test "a late notification that names somebody new brings the message back, any other only joins it" {
	mkdir -p s
	object $ID x@y.example >s/$ID
	claim s | stored | weir-spool ack s
	receipt $ID X@y.example >s/same.json
	[ -z "$(claim s)" ]
	[ ! -e s/same.json ] && [ -f s/.weir/done/$ID.json ]
	receipt $ID x@y.example,neu@y.example >s/more.json
	claim s >out
	[ "$(jq -r '.envelope.to | length' out)" = 2 ]
	stored <out | weir-spool ack s
	receipt $ID neu@y.example >s/again.json
	[ -z "$(claim s)" ]
	[ ! -e s/again.json ]
}

@test "a late notification for a held message brings it back at once" {
	mkdir -p s/in
	object $ID x@y.example >s/in/$ID
	claim s | held unroutable | weir-spool ack s
	[ -z "$(claim s)" ]
	receipt $ID neu@y.example >s/n.json
	[ "$(claim s | to)" = "in%2F$ID=neu@y.example" ]
}

@test "the forms of a notification: SNS, SQS, receive-message, Lambda, SNS in Lambda, raw" {
	mkdir -p s
	for n in 1 2 3 4 5 6 7 8; do object id$n h@y.example >s/id$n; done
	receipt id1 r1@y.example >s/1.json
	sns() { jq -c '{Type:"Notification",MessageId:"u",TopicArn:"t",Message:tostring,Timestamp:"x"}'; }
	receipt id2 r2@y.example | sns >s/2.json
	receipt id3 r3@y.example | sns | jq -c '{MessageId:"q",ReceiptHandle:"h",Body:tostring}' >s/3.json
	receipt id4 r4@y.example | jq -c '{Records:[{eventSource:"aws:ses",ses:{mail,receipt}}]}' >s/4.json
	receipt id5 r5@y.example | sns | jq -c '{Records:[{EventSource:"aws:sns",Sns:.}]}' >s/5.json
	{ receipt id6 r6@y.example | sns | jq -c '{Body:tostring}'; receipt id7 r7@y.example | jq -c '{Body:tostring}'; } |
		jq -sc '{Messages:.}' >s/6.json
	receipt id8 r8@y.example | sns | jq -c '{Records:[{messageId:"m",body:tostring,eventSource:"aws:sqs"}]}' >s/8.json
	claim s | to | sort >out
	for n in 1 2 3 4 5 6 7 8; do echo "id$n=r$n@y.example"; done | cmp - out
}

@test "one bad notification among several in a file costs only itself" {
	mkdir -p s
	object id1 h@y.example >s/id1
	receipt id1 r1@y.example | jq -c '{Messages:[{Body:tostring},{Body:"{not json"}]}' >s/1.json
	run -65 --separate-stderr weir-spool claim s
	[ "$(to <<<"$output")" = id1=r1@y.example ]
	[ "${#stderr_lines[@]}" = 1 ]
	[ "$(count quarantine)" = 1 ]
}

@test "an SNS action's content, UTF-8 and base64, becomes the message, byte for byte" {
	mkdir -p s
	object id1 r@y.example >one
	object id2 r@y.example >two
	printf '\0\377' >>two
	receipt id1 a@y.example | jq -c --rawfile c one '.content=$c | .receipt.action={type:"SNS",encoding:"UTF8"}' >s/1.json
	receipt id2 b@y.example | jq -c --arg c "$(base64 <two)" '.content=$c | .receipt.action={type:"SNS",encoding:"BASE64"}' >s/2.json
	receipt id2 c@y.example | jq -c --arg c "$(base64 <two)" '.content=$c | .receipt.action={type:"SNS",encoding:"BASE64"}' >s/3.json
	claim s >out
	[ "$(wc -l <out)" = 2 ]
	cmp one "$(jq -r 'select(.spool.name=="id1").raw.path' out)"
	cmp two "$(jq -r 'select(.spool.name=="id2").raw.path' out)"
	jq -e 'select(.spool.name=="id2").envelope.to | length == 2' out
	stored <out | weir-spool ack s
	receipt id1 a@y.example | jq -c --rawfile c one '.content=$c' >s/again.json
	[ -z "$(claim s)" ]
	[ "$(count incoming)$(count notifications)" = 00 ]
}

@test "S3 events: the key is form-encoded; a size that differs means not whole yet" {
	mkdir -p 's/in box'
	object "$ID" r@y.example >"s/in box/$ID"
	size=$(stat -c %s "s/in box/$ID")
	event() { jq -nc --arg k "in+box/%30${ID#0}" --argjson n "$1" '{Records:[{eventSource:"aws:s3",eventName:"ObjectCreated:Put",s3:{bucket:{name:"b"},object:{key:$k,size:$n}}}]}'; }
	event $((size + 1)) >s/e.json
	[ -z "$(claim s)" ]
	event "$size" >s/e.json
	[ "$(claim s | to)" = "in%20box%2F$ID=r@y.example" ]
}

@test "setup objects, test events, subscriptions and bounces are passed over, not errors" {
	mkdir -p s/in
	printf 'Subject: Amazon SES Setup Notification\r\n\r\nx\n' >s/in/AMAZON_SES_SETUP_NOTIFICATION
	receipt AMAZON_SES_SETUP_NOTIFICATION a@b.example >s/1.json
	echo '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}' >s/2.json
	echo '{"Type":"SubscriptionConfirmation","Token":"x","Message":"You have chosen","SubscribeURL":"https://x"}' >s/3.json
	echo '{"notificationType":"Bounce","bounce":{},"mail":{"messageId":"x"}}' >s/4.json
	run --separate-stderr weir-spool claim s
	[ "$status$output$stderr" = 0 ]
	[ "$(find s -type f -not -path '*/.weir/*' | wc -l)" = 5 ]
}

@test "a bad notification goes to quarantine with the reason beside it, its neighbours go on" {
	mkdir -p s
	object $ID x@y.example >s/$ID
	receipt $ID a@y.example >s/1.json
	echo '{"mail":' >s/0.json
	echo '{"principalId":"x"}' >s/2.json
	run -65 --separate-stderr weir-spool claim s
	[ "$(to <<<"$output")" = "$ID=a@y.example" ]
	[ "${#stderr_lines[@]}" = 2 ]
	jq -e '.reason == "bad_notification" and .by == "weir-spool"' s/.weir/quarantine/0%2Ejson.why.json
	[ "$(cat s/.weir/quarantine/0%2Ejson)" = '{"mail":' ]
	weir-spool requeue s 0.json
	[ -f s/0.json ]
}

@test "a notification's key reaches nothing outside: ../../etc/passwd" {
	mkdir -p a/s
	echo secret >a/target
	for k in ../target ../../a/target /etc/passwd ..%2Ftarget; do
		receipt x a@y.example | jq -c --arg k "$k" '.receipt.action.objectKey=$k | .mail.messageId=$k' >"a/s/$((++i)).json"
	done
	receipt x a@y.example | jq -c '.receipt.action={type:"SNS"} | .mail.messageId="../evil" | .content="From: x\n\nx\n"' >a/s/9.json
	run --separate-stderr weir-spool claim a/s
	[ -z "$output" ] && [ ! -e a/evil ] && [ "$(cat a/target)" = secret ]
}

@test "links, FIFOs and sockets are not messages" {
	mkdir -p s out
	raw x >out/secret
	ln -s ../out/secret s/link
	ln -s ../out s/folder
	ln -s ../out/secret s/n.json
	mkfifo s/fifo
	[ -z "$(claim s)" ]
	raw y >s/real
	[ "$(claim s | names)" = real ]
	[ -L s/link ] && [ -p s/fifo ]
}

@test "an empty file is not a message yet, nor is one that somebody writes to" {
	mkdir -p s
	: >s/empty
	exec 7>s/half
	printf 'Subject: ha' >&7
	[ -z "$(claim s)" ]
	printf 'lf\n\nx\n' >&7
	exec 7>&-
	[ "$(claim s | names)" = half ]
	[ -f s/empty ]
}

@test "temporaries of others are left alone: dotfiles, .tmp, .part, what aws downloads" {
	raws ok .hidden x.tmp y.part $ID.6eF5b5dA $ID.20261120 mail.20261120
	[ "$(claim s | names | paste -sd' ')" = 'mail.20261120 ok' ]
}

@test "kill -9 of a pipeline: its messages are taken over, none is lost or doubled" {
	raws a b c d
	mkfifo gate
	bash -c 'weir-spool claim s >out; read -r <gate' 9>&- &
	pid=$!
	until [ -s out ] && [ "$(wc -l <out)" = 4 ]; do :; done
	[ -z "$(claim s)" ]	# its owner lives
	kill -9 $pid
	wait $pid || true
	[ "$(claim s | names | paste -sd' ')" = 'a b c d' ]
	[ "$(count leases)" = 1 ]
}

@test "two claimers at once share all messages, none twice" {
	mkdir s
	for i in $(seq 400); do raw "$i" >"s/$i"; done
	for i in $(seq 1 2 400); do receipt "$i" "r$i@y.example" >"s/n$i.json"; done
	claim s >one & a=$!
	claim s >two & b=$!
	wait $a && wait $b
	[ "$(cat one two | names | sort | uniq | wc -l)" = 400 ]
	[ "$(cat one two | wc -l)" = 400 ]
}

@test "--limit claims so many and leaves the rest" {
	raws a b c
	receipt b r@y.example >s/n.json
	claim --limit 2 s >out
	[ "$(wc -l <out)" = 2 ] && [ "$(count incoming)" = 1 ]
}

@test "what is lost in the pipe is back in the spool at the end of ack" {
	raws a b c
	claim s | head -1 | stored >one
	run -75 --separate-stderr weir-spool ack s <one
	[ "$(count done)$(count incoming)$(count claimed)" = 120 ]
}

@test "a record that no stage stored or stopped goes back, with a warning and 75" {
	raws a
	claim s >out
	run -75 --separate-stderr weir-spool ack s <out
	[[ $stderr == *'a: neither stored'* ]]
	raw a | cmp - s/a
}

@test "a message for two tenants is done when both records have come; one held holds it" {
	raws a b c
	claim s | jq -c '. + {fanout:{n:1,of:2}}, . + {fanout:{n:2,of:2}}' >two
	jq -c 'if .spool.name == "a" then . + {stored:{}} elif .spool.name == "b" and .fanout.n == 1 then . + {hold:{by:"x",reason:"unscanned",detail:"d"}} else . + {stored:{}} end' two |
		grep -v '"name":"c".*"n":2' >in
	run -75 weir-spool ack s <in
	[ -f s/.weir/done/a ] && [ -f s/.weir/hold/b ] && [ -f s/c ]
}

@test "ack --delete: what is stored is gone, what is not stays" {
	mkdir -p s
	object $ID x@y.example >s/$ID
	receipt $ID a@y.example >s/n.json
	raws b
	claim s | jq -c 'if .spool.name == "b" then . + {hold:{by:"x",reason:"y",detail:"z"}} else . + {stored:{}} end' |
		weir-spool ack --delete s
	[ "$(find s -type f -not -path '*/.weir/live/*' | grep -c .)" = 2 ]
	[ -f s/.weir/hold/b ]
}

@test "ack believes no record of another spool, no path, no lease made up" {
	raws a b
	mkdir other
	raw x >other/x
	claim s >out
	weir-spool claim other | stored >foreign
	{ cat foreign; stored <out | jq -c '.spool.name="../a"'; stored <out | jq -c '.spool.lease="../../hold"'; stored <out | jq -c 'del(.spool)'; echo garbage; } >in
	run -65 --separate-stderr weir-spool ack s <in
	[ "$(count done)" = 0 ] && [ "$(count claimed)" = 2 ]
}

@test "hold: the reason beside the message; it comes back by itself, later each time" {
	raws a
	claim s >out
	held unscanned <out | weir-spool ack s
	jq -e '.reason == "unscanned" and .by == "weir-scan" and .tries == 1 and .record.spool.name == "a"
		and .not_before_unix - .held_unix == 900' s/.weir/hold/a.why.json
	[ -z "$(claim s)" ]
	touch -d '1 minute ago' s/.weir/hold/a.why.json
	claim s | held unscanned | weir-spool ack s
	jq -e '.tries == 2 and .not_before_unix - .held_unix == 1800' s/.weir/hold/a.why.json
	for i in 3 4 5 6 7; do
		touch -d '1 minute ago' s/.weir/hold/a.why.json
		claim s | held | weir-spool ack s
	done
	jq -e '.tries == 7 and .not_before_unix - .held_unix == 21600' s/.weir/hold/a.why.json
	touch -d '1 minute ago' s/.weir/hold/a.why.json
	claim s | stored | weir-spool ack s
	[ "$(find s/.weir/hold -type f)$(count done)" = 1 ]
}

@test "hold: retry_s of the record is the first wait" {
	raws a
	claim s | jq -c '. + {hold:{by:"x",reason:"y",detail:"z",retry_s:60}}' | weir-spool ack s
	jq -e '.not_before_unix - .held_unix == 60' s/.weir/hold/a.why.json
}

@test "--wake: held for that reason, and the file is newer: it comes back" {
	raws a b
	claim s | jq -c '. + {hold:{by:"x",reason:(if .spool.name == "a" then "unscanned" else "unroutable" end),detail:"d"}}' | weir-spool ack s
	mkdir db
	: >db/old
	touch -d '1 hour ago' db/old db
	[ -z "$(claim --wake unscanned=db s)" ]
	touch -d '1 hour' db/new
	[ "$(claim --wake unscanned=db s | names)" = a ]
	[ -z "$(claim --wake unroutable=missing s)" ]
}

@test "the tries of a held message survive a dead pipeline" {
	raws a
	claim s | held | weir-spool ack s
	touch -d '1 minute ago' s/.weir/hold/a.why.json
	claim s >/dev/null
	mv s/.weir/claimed/* s/.weir/claimed/dead
	claim s | held | weir-spool ack s
	jq -e '.tries == 2' s/.weir/hold/a.why.json
}

@test "hold and release by hand, by name, by reason" {
	raws a b c
	weir-spool hold --reason spaeter --retry 60 s a
	claim s | held unscanned | weir-spool ack s
	weir-spool release --reason spaeter s
	[ -f s/a ] && [ ! -e s/b ]
	weir-spool release s b
	[ -f s/b ] && [ ! -e s/.weir/hold/b.why.json ]
	run -65 --separate-stderr weir-spool release s nix
	[[ $stderr == *nix* ]]
	weir-spool release s
	[ "$(claim s | names | paste -sd' ')" = 'a b c' ]
}

@test "quarantine: the bytes, and why" {
	raws a
	claim s | jq -c '. + {quarantine:{by:"weir-parse",reason:"unparseable",detail:"signal 11"}}' | weir-spool ack s
	raw a | cmp - s/.weir/quarantine/a
	jq -e '.by == "weir-parse" and .reason == "unparseable" and .detail == "signal 11" and .record.spool.name == "a"' s/.weir/quarantine/a.why.json
	[ -z "$(claim s)" ]
}

@test "requeue: from done/ and quarantine/, with the notifications" {
	mkdir -p s/in
	object $ID x@y.example >s/in/$ID
	receipt $ID a@y.example >s/n.json
	claim s | stored | weir-spool ack s
	run -64 weir-spool requeue s
	weir-spool requeue --all s
	[ "$(claim s | to)" = "in%2F$ID=a@y.example" ]
}

@test "a second message of a name that is held stays beside it" {
	raws a
	claim s | held | weir-spool ack s
	raw zwei >s/a
	claim s | held | weir-spool ack s
	[ "$(find s/.weir/hold -type f | wc -l)" = 4 ]
	weir-spool release s
	claim s >out
	[ "$(jq -r .id out | sort -u | wc -l)" = 2 ]
	[ "$(count claimed)" = 2 ]
}

@test "a message too big to be one goes to quarantine unread" {
	mkdir s
	truncate -s $((64 * 1024 * 1024 + 1)) s/big
	truncate -s 1000 s/ok
	run -65 --separate-stderr weir-spool claim s
	[ "$(names <<<"$output")" = ok ]
	jq -e '.reason == "too_big_message"' s/.weir/quarantine/big.why.json
}

@test "maildir: new and cur, flags survive, put back where it was" {
	mkdir -p m/new m/cur m/tmp m/.Sent/cur
	raw 1 >m/new/1.x
	raw 2 >'m/cur/2.x:2,RS'
	raw 3 >m/tmp/3.x
	raw 4 >m/.Sent/cur/4.x
	: >m/dovecot-uidlist
	weir-spool claim m >out
	[ "$(jq -r '.spool.kind + " " + .spool.name + " " + (.spool.flags // "-")' out)" = 'maildir cur%2F2.x:2,RS RS
maildir new%2F1.x -' ]
	weir-spool ack m <out 2>err || [ $? = 75 ]
	[ -f m/new/1.x ] && [ -f 'm/cur/2.x:2,RS' ]
}

@test "mbox: mboxrd unquoting, CRLF, From in a body, no final newline; then FILE.weir is the spool" {
	printf 'From a@b.example Mon Nov 16 12:00:00 2026\nSubject: 1\n\n>From x\n>>From y\nFrom here on\n\nFrom now we go\n\nFrom c@d.example Mon Nov 16 12:00:01 2026\r\nSubject: 2\r\n\r\nx\r\n\r\nFrom e@f.example Mon Nov 16 12:00:02 2026\nSubject: 3\n\nend' >box
	[ "$(weir-spool list box | wc -l)" = 3 ]
	[ ! -e box.weir ]
	weir-spool claim box >out
	[ ! -e box ]
	printf 'Subject: 1\n\nFrom x\n>From y\nFrom here on\n\nFrom now we go\n' | cmp - "$(jq -r .raw.path out | sed -n 1p)"
	printf 'Subject: 2\r\n\r\nx\r\n' | cmp - "$(jq -r .raw.path out | sed -n 2p)"
	printf 'Subject: 3\n\nend' | cmp - "$(jq -r .raw.path out | sed -n 3p)"
	jq -e '.spool.kind == "mbox"' out
	stored <out | weir-spool ack box
	[ "$(weir-spool status --json box | jq .done)" = 3 ]
	printf 'From a@b.example Mon Nov 16 12:00:00 2026\nSubject: 4\n\nx\n\n' >box
	[ "$(weir-spool claim box | wc -l)" = 1 ]
}

@test "an empty mbox holds nothing; a file that is no mbox is refused" {
	: >box
	[ -z "$(weir-spool claim box)" ] && [ -f box ]
	raw x >mail.eml
	run -65 --separate-stderr weir-spool claim mail.eml
	[[ $stderr == *'neither a folder nor an mbox'* ]]
}

@test "an mbox that somebody writes to, or has locked, is not touched" {
	printf 'From a@b.example Mon Nov 16 12:00:00 2026\nSubject: 1\n\nx\n' >box
	exec 7>>box
	run --separate-stderr weir-spool claim box
	[ "$status$output" = 0 ] && [ -f box ]
	exec 7>&-
	: >box.lock
	run --separate-stderr weir-spool claim box
	[ "$status$output" = 0 ] && [ -f box ]
	rm box.lock
	[ "$(weir-spool claim box | wc -l)" = 1 ]
}

@test "taking an mbox apart may die at any point: nothing is doubled, nothing lost" {
	for i in 1 2 3; do printf 'From a@b.example Mon Nov 16 12:00:00 2026\nSubject: %s\n\nx\n\n' $i; done >box
	cp box copy
	weir-spool claim box >/dev/null
	state=box.weir/.weir
	rm -rf $state/claimed/*
	n=$(cd $state/mbox/done && echo *)
	# died while it was split: some of the messages are there
	mv "$state/mbox/done/$n" "$state/mbox/$n"
	mkdir "$state/split-$n"
	raw torn >"$state/split-$n/000001-torn"
	[ "$(weir-spool claim box | wc -l)" = 3 ]
	# died while they were handed on: one is out already
	find $state/claimed -type f -exec mv {} box.weir/ \;
	rm -rf $state/claimed/*
	mkdir "$state/ready-$n"
	find box.weir -maxdepth 1 -name '00000[12]-*' -exec mv -t "$state/ready-$n" {} +
	mv "$state/mbox/done/$n" "$state/mbox/$n"
	[ "$(weir-spool claim box | wc -l)" = 3 ]
	[ "$(find box.weir -name '00*' | wc -l)" = 3 ]
	cmp copy "$state/mbox/done/$n"
}

@test "put: whole or not at all, the same message twice is one, another of that name is refused" {
	mkdir s
	raw a | weir-spool put s
	raw a | weir-spool put s
	[ "$(find s -type f | wc -l)" = 1 ]
	raw a | weir-spool put --name id1 s
	raw a | weir-spool put --name id1 s
	run -65 sh "printf x | weir-spool put --name id1 s"
	raw a | cmp - s/id1
	for bad in ../x .x x.json x.tmp a/b ''; do run -65 sh "printf x | weir-spool put --name '$bad' s"; done
	run -65 weir-spool put s </dev/null
	[ "$(find . -type f | wc -l)" = 2 ]
	mkfifo slow
	weir-spool put --name late s <slow & pid=$!
	exec 8>slow
	printf 'Subject: x\n' >&8
	[ ! -e s/late ]
	exec 8>&-
	wait $pid
	[ -s s/late ]
}

@test "put --from --to: the envelope goes along" {
	mkdir s
	raw a | weir-spool put --name m1 --from s@x.example --to a@y.example --to b@y.example s
	claim s >out
	jq -e '.envelope == {from:"s@x.example",to:["a@y.example","b@y.example"],source:"option"} and .spool.kind == "raw" and (has("verdicts") | not)' out
}

@test "put into a maildir goes to new/, put --mbox splits" {
	mkdir -p m/new m/cur s
	raw a | weir-spool put m
	[ "$(find m/new -type f | wc -l)" = 1 ]
	printf 'From a@b.example Mon Nov 16 12:00:00 2026\nSubject: 1\n\nx\n\nFrom a@b.example Mon Nov 16 12:00:00 2026\nSubject: 2\n\nx\n' >box
	weir-spool put --mbox s <box
	weir-spool put --mbox s <box
	[ "$(count incoming)" = 2 ] && [ -f box ]
	run -65 sh "printf 'no mbox' | weir-spool put --mbox s"
}

@test "file names with any bytes: newline, junk, 255 bytes, back to where they were" {
	mkdir -p s/sub
	long=$(printf 'l%.0s' $(seq 255))
	junk=$'new\nline \xff"\\%41~2'
	odd=$(printf '\303\244%.0s' $(seq 127))
	raw 1 >"s/$long"
	raw 2 >"s/sub/$junk"
	raw 3 >"s/$odd"
	raw 4 >'s/-rf'
	claim s >out
	[ "$(wc -l <out)" = 4 ]
	LC_ALL=C grep -qvE '^[A-Za-z0-9._=,:+@%-]*$' <(names <out) && false
	[ "$(jq -r '.spool.name | length' out | sort -n | tail -1)" -le 200 ]
	while read -r f; do [ -s "$f" ]; done < <(jq -r .raw.path out)
	weir-spool ack s <out 2>/dev/null || [ $? = 75 ]
	raw 2 | cmp - "s/sub/$junk"
	[ "$(count incoming)" = 4 ]
	[ "$(claim s | jq -r .id | sort | paste -sd' ')" = "$(jq -r .id out | sort | paste -sd' ')" ]
}

@test "list moves nothing; status counts" {
	raws a b
	weir-spool list s >out
	[ "$(names <out | paste -sd' ')" = 'a b' ] && [ ! -e s/.weir ]
	jq -e '.spool.lease == null and .raw.path' out >/dev/null
	weir-spool status s | grep -qE '^incoming +2$'
	claim s | held later | weir-spool ack s
	weir-spool status s | grep -qE '^hold +2 +0 due +later 2$'
	weir-spool status --json s | jq -e '.weir == 1 and .hold == 2 and .hold_reasons.later == 2'
}

@test "tally moves nothing: what is not stored is named, with -v in detail, and counted" {
	mkdir s
	printf 'Subject: x\n\n' | tee s/a s/b s/c >s/d
	weir-spool list s | jq -c 'if .spool.name == "a" then .stored = {"new": true}
		elif .spool.name == "b" then .hold = {"by": "weir-x", "reason": "later", "detail": "the\u001bwhole"}
		elif .spool.name == "c" then .quarantine = {"by": "weir-y", "reason": "never", "detail": "d"} else . end' >r
	run -75 --separate-stderr weir-spool tally --json s <r
	jq -e '.type == "tallied" and .done == 1 and .held == 1 and .quarantined == 1 and .lost == 1' <<<"$output"
	[ "$stderr" = "weir-spool: b: not stored: weir-x: later
weir-spool: c: not stored: weir-y: never
weir-spool: d: not stored: no stage says why" ]
	grep '"c"' r | run -65 weir-spool tally s
	run weir-spool tally -v s <r
	[[ $output == *'weir-x: the?whole'* || $output == *'weir-x: the'*'whole'* ]] && [[ $output != *$'\e'* ]]
	[ ! -e s/.weir ]
}

@test "ack --summary: one line; counts as JSON" {
	raws a b
	claim s | stored | weir-spool ack --json --summary s >out 2>err
	jq -e '.done == 2 and .held == 0' out
	[ "$(wc -l <err)" = 1 ]
	grep -q '2 messages in .*: 2 stored' err
}

@test "usage: what is missing, unknown or too much is 64; a missing spool is told" {
	run -64 weir-spool
	run -64 weir-spool fly s
	run -64 weir-spool claim
	run -64 weir-spool claim --kind odd .
	run -64 weir-spool claim --limit -1 .
	run -64 weir-spool claim --wake x .
	run -64 weir-spool status . too much
	run -64 weir-spool --nonsense
	run -65 weir-spool claim missing
	weir-spool --help | grep -q '^usage: weir-spool'
	weir-spool --version | grep -q '^weir-spool '
	raws a
	run -74 sh 'weir-spool list s >/dev/full'
	run -0 weir-spool ack s </dev/null
}
