load common

# SPF, DKIM and DMARC held against messages made by other hands: tests/attack-auth.py canonicalises and signs by itself.

@test "147 signed messages, right and wrong ones: no false accept, no false reject" {
	mkdir m
	/usr/bin/python3 "$TOP/tests/attack-auth.py" m >cases
	[ "$(wc -l <cases)" -ge 147 ]
	cut -f1 cases | sed 's|.*|m/&.eml|' | xargs weir-auth --dns m/zone --now 2027-01-15T08:00:00Z --ip 192.0.2.1 --helo x.example --mail-from a@bounce.example --json >got
	jq -r '[(.raw.path | split("/") | last | rtrimstr(".eml")), .auth.dkim.result, (.auth.dkim.signatures[0].result // "-"), .auth.dmarc.result,
		(.auth.dkim.signatures[0].reason // "")] | @tsv' got >results
	[ "$(wc -l <results)" = "$(wc -l <cases)" ]
	awk -F'\t' 'NR == FNR { want[$1] = $0; next }
		{ split(want[$1], w); for (i = 2; i <= 4; i++) if (w[i] != "-" && w[i] != $i) { print "want", want[$1]; print "got ", $0; bad++; break } }
		END { exit bad > 0 }' cases results
}

# FROM | MAIL FROM | HELO | result | disposition of the domain's policy | point
dmarc_table() {
	cat <<-'EOT'
	x@a.example|y@a.example|h.example|pass|reject|the same domain
	x@A.EXAMPLE|y@a.Example|h.example|pass|reject|names have no case
	x@sub.a.example|y@a.example|h.example|pass|reject|relaxed: the organizational domain of both
	x@a.example|y@sub.a.example|h.example|pass|reject|relaxed, the other way
	x@one.a.example|y@sub.a.example|h.example|pass|reject|relaxed, sideways
	x@a.example|y@evil.example|h.example|fail|reject|a pass of another domain
	x@a.example|y@nota.example|h.example|fail|reject|a domain that only ends like it
	x@a.example|y@a.example.evil.example|h.example|fail|reject|a domain that only begins like it
	x@s.example|y@s.example|h.example|pass|reject|strict
	x@s.example|y@sub.s.example|h.example|fail|reject|strict: not below
	x@sub.b.example|y@b.example|h.example|fail|none|psd=n: an organizational domain of its own
	x@c.gov.example|y@d.gov.example|h.example|fail|reject|psd=y: two that share a public suffix are strangers
	x@c.gov.example|y@c.gov.example|h.example|pass|reject|psd=y: its own
	x@two.example|y@two.example|h.example|none||two records are none
	x@lower.example|y@evil.example|h.example|none||v=dmarc1 is no record
	x@late.example|y@evil.example|h.example|none||v= is not first
	x@space.example|y@evil.example|h.example|fail|reject|blanks around ; and =
	x@norua.example|y@evil.example|h.example|permerror||no p and no rua: cannot be applied, and is not taken for a pass
	x@rua.example|y@evil.example|h.example|fail|none|no p, but rua: p=none
	x@bogus.example|y@evil.example|h.example|fail|none|a p that is none, but rua: p=none
	x@here.sp.example|y@evil.example|h.example|fail|quarantine|sp
	x@gone.sp.example|y@evil.example|h.example|fail|reject|np: the author's domain does not exist
	x@broken.example|y@broken.example|h.example|temperror||the policy cannot be told: neither pass nor fail
	x@spfbroken.example|y@spfbroken.example|h.example|temperror|reject|SPF of the author's own domain cannot be told
	x@a.example||a.example|pass|reject|the null sender: HELO stands for it
	x@a.example||evil.example|fail|reject|the null sender, another HELO
	x@1.2.3.4.5.6.7.8.9.10.a.example|y@a.example|h.example|pass|reject|a long name: the walk is short, and finds it
	x@nobody.example|y@evil.example|h.example|none||no record at all
	EOT
}

@test "DMARC by RFC 9989's clauses, with other eyes" {
	cat >zone <<-'EOT'
	_dmarc.a.example. TXT "v=DMARC1; p=reject"
	_dmarc.s.example. TXT "v=DMARC1; p=reject; aspf=s"
	_dmarc.b.example. TXT "v=DMARC1; p=reject; psd=n"
	_dmarc.sub.b.example. TXT "v=DMARC1; p=none; psd=n"
	_dmarc.gov.example. TXT "v=DMARC1; p=reject; psd=y"
	_dmarc.two.example. TXT "v=DMARC1; p=reject"
	_dmarc.two.example. TXT "v=DMARC1; p=none"
	_dmarc.lower.example. TXT "v=dmarc1; p=reject"
	_dmarc.late.example. TXT "p=reject; v=DMARC1"
	_dmarc.space.example. TXT "v = DMARC1 ;  p  =  reject ; "
	_dmarc.norua.example. TXT "v=DMARC1; sp=reject"
	_dmarc.rua.example. TXT "v=DMARC1; rua=mailto:d@rua.example"
	_dmarc.bogus.example. TXT "v=DMARC1; p=destroy; rua=mailto:d@bogus.example"
	_dmarc.sp.example. TXT "v=DMARC1; p=reject; sp=quarantine; np=reject"
	here.sp.example. A 192.0.2.9
	_dmarc.broken.example. TXT SERVFAIL
	_dmarc.spfbroken.example. TXT "v=DMARC1; p=reject"
	spfbroken.example. TXT SERVFAIL
	EOT
	for d in a sub.a evil nota a.example.evil s sub.s b c.gov d.gov two broken; do echo "$d.example. TXT \"v=spf1 ip4:192.0.2.1 -all\"" >>zone; done
	dmarc_table >table
	while IFS='|' read -r from mail_from helo want policy point; do
		printf 'From: %s\r\nSubject: x\r\n\r\nx\r\n' "$from" >m.eml
		weir-auth --dns zone --ip 192.0.2.1 --helo "$helo" --mail-from "$mail_from" --json m.eml >got
		[ "$(jq -r '[.auth.dmarc.result, .auth.dmarc.policy // ""] | join("|")' got)" = "$want|$policy" ] ||
			{ echo "$point: $from $mail_from: want $want $policy"; jq -c .auth got; touch wrong; }
	done <table
	[ ! -e wrong ]
}

@test "a From that is read in several ways: DMARC passes only for the domain that everybody is shown" {
	mkdir m
	/usr/bin/python3 "$TOP/tests/attack-auth.py" m from
	printf '%s. TXT "%s"\n' evil.example 'v=spf1 ip4:192.0.2.1 -all' _dmarc.evil.example 'v=DMARC1; p=reject' _dmarc.bank.example 'v=DMARC1; p=reject' >zone
	weir-auth --dns zone --ip 192.0.2.1 --helo evil.example --mail-from a@evil.example --json m/*.from | jq -c '[.auth.dmarc.result, .auth.dmarc.domain]' >judged
	weir-parse m/*.from | jq -c '[.message.from // [] | .. | objects | select(.address) | .address_ascii // .address | split("@") | last] | unique' >shown
	[ "$(wc -l <judged)" = 41 ]
	[ "$(wc -l <shown)" = 41 ]
	[ "$(paste judged shown | grep -c '^\["pass"')" -ge 10 ]
	paste judged shown | grep '^\["pass"' | grep -vF $'["pass","evil.example"]\t["evil.example"]' >wrong || true
	[ ! -s wrong ] || { cat wrong; false; }
	[ "$(paste judged shown | tail -1)" = $'["pass","evil.example"]\t["evil.example"]' ]
}
