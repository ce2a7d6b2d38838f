load common

# What weir-domain records prints: exactly 8 records, and nothing that a tenant or a settings file says gets out of its place.

ses() { weir-domain add acme "$@" --provider ses:eu-central-1 --dkim-token aaa --dkim-token bbb --dkim-token ccc; }

setup_acme() { weir-tenant add acme; }

# A parent zone with the records in it: parent ORIGIN <records
parent() {
	printf '$ORIGIN %s.\n@ 3600 IN SOA ns.%s. h.%s. 1 7200 900 1209600 300\n@ 3600 IN NS ns.%s.\nns 3600 IN A 192.0.2.1\n' "$1" "$1" "$1" "$1"
	cat
}
# All three checkers say yes: good_zone ORIGIN FILE
good_zone() {
	named-checkzone -i local -k fail -n fail -m fail "$1" "$2"
	PATH=$PATH:/usr/sbin nsd-checkzone "$1" "$2"
	PATH=$PATH:/usr/sbin kzonecheck -o "$1" "$2"
}

@test "3 CNAME, 2 MX, 3 TXT, nothing else, sorted; with a line on each one's purpose" {
	setup_acme
	ses service.acme.example
	weir-domain records service.acme.example --format bind >got
	[ "$(grep -vc '^;' got)" = 8 ]
	[ "$(grep -c '^; ' got)" = 8 ]
	[ "$(grep -v '^;' got | awk '{ print $4 }' | xargs)" = "CNAME CNAME CNAME MX MX TXT TXT TXT" ]
	[ "$(awk '$4 == "MX" { print $1, $2, $5, $6 }' got)" = "service.acme.example. 3600 10 inbound-smtp.eu-central-1.amazonaws.com.
mail.service.acme.example. 3600 10 feedback-smtp.eu-central-1.amazonses.com." ]
	grep -q '^aaa._domainkey.service.acme.example. *3600 IN CNAME aaa.dkim.amazonses.com.$' got
	grep -q '^_dmarc.service.acme.example. *3600 IN TXT *"v=DMARC1; p=none"$' got
	[ "$(grep -c '"v=spf1 include:amazonses.com ~all"' got)" = 2 ]
}

@test "the records load in a parent zone: named-checkzone, nsd-checkzone, kzonecheck" {
	setup_acme
	ses service.acme.example --rua dmarc@service.acme.example
	weir-domain records service.acme.example --format bind | parent acme.example >acme.zone
	good_zone acme.example acme.zone
}

@test "a region with DKIM targets of its own has them; one that receives nothing is said to" {
	setup_acme
	weir-domain add acme a.example --provider ses:af-south-1 --dkim-token aaa --dkim-token bbb --dkim-token ccc
	weir-domain records a.example --format csv | grep -q '"aaa.dkim.af-south-1.amazonses.com."'
	run -65 --separate-stderr weir-domain add acme b.example --provider ses:ca-west-1 --dkim-token aaa --dkim-token bbb --dkim-token ccc
	[[ $stderr == *"receives no mail"*"--null-mx"* ]]
	weir-domain add acme b.example --provider ses:ca-west-1 --dkim-token aaa --dkim-token bbb --dkim-token ccc --null-mx
	weir-domain records b.example --format bind | grep -q '^b.example. *3600 IN MX *0 \.$'
	[ "$(weir-domain records b.example --format bind | grep -vc '^;')" = 8 ]
}

@test "null MX, DMARC tags, reports, SPF's ending and includes, MAIL FROM and TTL stand where they belong" {
	setup_acme
	ses s.acme.example --ttl 300 --mail-from bounce --spf-all -all --spf-include _spf.crm.example --spf-include _spf.shop.example \
		--dmarc 'p=reject; adkim=s' --rua mailto:d@acme.example --rua d2@acme.example --ruf f@acme.example
	weir-domain records s.acme.example --json >got
	[ "$(jq -r 'select(.role == "spf").text' got)" = "v=spf1 include:amazonses.com include:_spf.crm.example include:_spf.shop.example -all" ]
	[ "$(jq -r 'select(.role == "mail-from-spf") | .owner, .text' got | xargs)" = "bounce.s.acme.example v=spf1 include:amazonses.com -all" ]
	[ "$(jq -r 'select(.role == "dmarc").text' got)" = "v=DMARC1; p=reject; adkim=s; rua=mailto:d@acme.example,mailto:d2@acme.example; ruf=mailto:f@acme.example" ]
	[ "$(jq -s 'map(.ttl) | unique == [300]' got)" = true ]
	weir-domain set s.acme.example --rua '' --spf-include ''
	[ "$(weir-domain records s.acme.example --json | jq -r 'select(.role == "dmarc").text')" = "v=DMARC1; p=reject; adkim=s; ruf=mailto:f@acme.example" ]
	[ "$(weir-domain records s.acme.example --json | jq -r 'select(.role == "spf").text')" = "v=spf1 include:amazonses.com -all" ]
}

@test "MTA-STS and TLS-RPT add their records where they are asked for; the policy's id changes with the policy" {
	setup_acme
	ses s.acme.example --mta-sts testing --mta-sts-host sts.platform.example --tls-rpt tls@acme.example --tls-rpt https://r.acme.example/tls
	weir-domain records s.acme.example --json >got
	[ "$(wc -l <got)" = 11 ]
	[ "$(jq -r 'select(.role == "tls-rpt") | .owner, .text' got | xargs)" = "_smtp._tls.s.acme.example v=TLSRPTv1; rua=mailto:tls@acme.example,https://r.acme.example/tls" ]
	[ "$(jq -r 'select(.role == "mta-sts-host") | .owner, .data' got | xargs)" = "mta-sts.s.acme.example sts.platform.example." ]
	jq -r 'select(.role == "mta-sts").text' got | grep -qE '^v=STSv1; id=[0-9a-f]{20}$'
	weir-domain mta-sts s.acme.example >policy
	[ "$(tr -d '\r' <policy | xargs)" = "version: STSv1 mode: testing mx: inbound-smtp.eu-central-1.amazonaws.com max_age: 86400" ]
	[ "$(grep -c $'\r$' policy)" = 4 ]
	id=$(jq -r 'select(.role == "mta-sts").text' got)
	weir-domain set s.acme.example --mta-sts enforce
	[ "$(weir-domain records s.acme.example --json | jq -r 'select(.role == "mta-sts").text')" != "$id" ]
	weir-domain records s.acme.example --format bind | parent acme.example >z
	good_zone acme.example z
	weir-domain set s.acme.example --mta-sts off --tls-rpt ''
	[ "$(weir-domain records s.acme.example --json | wc -l)" = 8 ]
	run -65 --separate-stderr weir-domain mta-sts s.acme.example
	[[ $stderr == *--mta-sts* ]]
}

@test "every format says the same 8" {
	setup_acme
	ses service.acme.example
	weir-domain records service.acme.example --json | jq -r '[.owner, .rrtype, .data] | join(" ")' | sort >json
	weir-domain records service.acme.example --format bind | grep -v '^;' | sed -E 's/^(\S+)\. +[0-9]+ IN (\S+) +/\1 \2 /' | sort | cmp - json
	weir-domain records service.acme.example --format table | sed 1d | sed -E 's/^(\S+) +[0-9]+ +(\S+) +/\1 \2 /' | sort | cmp - json
	weir-domain records service.acme.example --format nsupdate | sed -nE 's/^update add (\S+)\. [0-9]+ (\S+) /\1 \2 /p' | sort | cmp - json
	weir-domain records service.acme.example --format csv | python3 -c '
import csv, sys
for r in csv.DictReader(sys.stdin):
    data = " ".join(x for x in (r["priority"], "\"%s\"" % r["value"] if r["type"] == "TXT" else r["value"]) if x)
    print(r["name"].rstrip("."), r["type"], data)' | sort | cmp - json
	run -64 --separate-stderr weir-domain records service.acme.example --format xml
	[[ $stderr == *nsupdate* ]]
}

@test "nsupdate never takes away what else stands at the domain itself" {
	setup_acme
	ses service.acme.example
	weir-domain records service.acme.example --format nsupdate >got
	run ! grep -q '^update delete service.acme.example. TXT' got
	[ "$(tail -1 got)" = send ]
	# So an SPF record of before stays: said where it is read.
	grep -B1 '^update add service.acme.example. [0-9]* TXT' got | grep -q '^; .*must go.*update delete service.acme.example. TXT "v=spf1'
}

@test "what could never work is refused with the reason, and nothing is changed" {
	setup_acme
	ses s.acme.example
	weir-domain show --json s.acme.example >before
	while IFS='|' read -r named options; do
		eval "run --separate-stderr weir-domain set s.acme.example $options"
		[ "$status" = 65 ] && [[ $stderr == *"$named"* ]] || { echo "$options: $status $stderr"; false; }
		weir-domain show --json s.acme.example | cmp - before
	done <<-'EOT'
	aspf=s could never pass|--dmarc aspf=s
	MAIL FROM is another domain|--dmarc 'p=reject; aspf=s'
	receivers would discard|--dmarc p=maybe
	is no more|--dmarc 'p=none; pct=50'
	receivers know no|--dmarc 'p=none; x=1'
	twice|--dmarc 'p=none; p=reject'
	--rua|--dmarc 'rua=mailto:a@b.example'
	v=DMARC1 is put there|--dmarc 'v=DMARC1; p=none'
	LDH|--rua 'a@b.example!10m'
	no address for reports|--rua 'a,b@c.example'
	twice|--rua a@b.example --rua a@b.example
	at most 4|--rua 1@b.example --rua 2@b.example --rua 3@b.example --rua 4@b.example --rua 5@b.example
	anybody|--spf-all +all
	no ending|--spf-all maybe
	LDH|--spf-include 'a b.example'
	LDH|--spf-include '%{i}.x.example'
	LDH|--spf-include 'x.example"'
	11 lookups|--spf-include s1.example --spf-include s2.example --spf-include s3.example --spf-include s4.example --spf-include s5.example --spf-include s6.example --spf-include s7.example --spf-include s8.example --spf-include s9.example --spf-include s10.example
	twice|--spf-include s1.example --spf-include s1.example
	stands there already|--spf-include amazonses.com
	itself|--spf-include s.acme.example
	from 60|--ttl 59
	604800|--ttl 604801
	no number|--ttl 1h
	no label|--mail-from a.b
	no label|--mail-from -a
	no label|--mail-from aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
	three|--dkim-token aaa
	differ|--dkim-token aaa --dkim-token aaa --dkim-token bbb
	no label|--dkim-token aaa --dkim-token a.b --dkim-token bbb
	at most 3|--dkim-token a --dkim-token b --dkim-token c --dkim-token d
	SES region|--provider ses:eu-centrall-1
	no provider|--provider mailgun
	either|--byodkim --dkim-token a --dkim-token b --dkim-token c
	delegated|--portal-cname portal=x.example
	delegated|--apex 192.0.2.1
	delegated|--ns ns.x.example
	--mta-sts-host|--mta-sts enforce
	no https URI|--tls-rpt 'https://x.example/;rua'
	no address for reports|--tls-rpt http://x.example
	takes none|--mta-sts enforce --mta-sts-host w.x.example --null-mx
	could not arrive|--null-mx --rua d@s.acme.example
	EOT
}

@test "without a platform of our own there are no keys of our own: 78, and what to write where" {
	setup_acme
	ses s.acme.example
	for o in "--provider own" --byodkim; do
		# shellcheck disable=SC2086
		run -78 --separate-stderr weir-domain set s.acme.example $o
		[[ $stderr == *platform*providers.json* ]]
	done
	[ -z "$(ls home/tenants/acme/keys)" ]
	[ "$(weir-domain show --json s.acme.example | jq -r .dns.provider)" = ses:eu-central-1 ]
}

@test "a domain that must not receive has no addresses, and gets none" {
	setup_acme
	ses s.acme.example
	weir-address add acme info@s.acme.example
	run -65 --separate-stderr weir-domain set s.acme.example --null-mx
	[[ $stderr == *"there is 1 address"* ]]
	weir-address remove acme info@s.acme.example
	weir-domain set s.acme.example --null-mx
	run -65 --separate-stderr weir-domain set s.acme.example --any
	[[ $stderr == *"takes no mail"* ]]
	weir-domain set s.acme.example --receive --any
}

@test "MAIL FROM gets bounces and no other mail" {
	setup_acme
	weir-domain add acme mail.s.acme.example
	run -65 --separate-stderr ses s.acme.example
	[[ $stderr == *"MAIL FROM"*"--mail-from"* ]]
	[ "$(weir-domain list)" = $'mail.s.acme.example\tacme' ]
	ses s.acme.example --mail-from bounce
	run -65 --separate-stderr weir-domain add acme bounce.s.acme.example
	[[ $stderr == *"MAIL FROM"* ]]
	[ "$(weir-domain list | wc -l)" = 2 ]
}

@test "names at the edge: what fits is printed, what does not is refused" {
	setup_acme
	a=$(printf 'a%.0s' {1..63})
	# ccc._domainkey. takes 15 bytes, _dmarc. and mail. less: 238 + 15 = 253
	fits=$a.$a.$a.$(printf 'b%.0s' {1..38}).example
	long=$a.$a.$a.$(printf 'b%.0s' {1..39}).example
	[ "${#fits}" = 238 ] && [ "${#long}" = 239 ]
	ses "$fits"
	weir-domain records "$fits" --format bind | parent "$fits" | grep -v '^ns ' >z
	sed -i "s/ NS ns\..*/ NS ns.x.example./; s/SOA ns\.\S* h\.\S*/SOA ns.x.example. h.x.example./" z
	good_zone "$fits" z
	run -65 --separate-stderr ses "$long"
	[[ $stderr == *"253 is the most"*"too long"* ]]
	[ "$(weir-domain list | wc -l)" = 1 ]
}

@test "reports at another organization: the record that it must have is named" {
	setup_acme
	run --separate-stderr ses s.acme.example --rua d@reports.example --rua d@post.acme.example
	[ "$status" = 0 ]
	[[ $stderr == *'s.acme.example._report._dmarc.reports.example. TXT "v=DMARC1"'* ]]
	[[ $stderr != *_dmarc.post.acme.example* ]]
}

@test "a domain of which nothing was said has no records, and is told how to get them" {
	setup_acme
	weir-domain add acme s.acme.example
	run -65 --separate-stderr weir-domain records s.acme.example
	[[ $stderr == *"weir-domain set s.acme.example --provider"* ]]
	run -65 --separate-stderr weir-domain records nobody.example
	[[ $stderr == *"no tenant has it"* ]]
}

@test "a file of providers overrides the table, member by member; what is wrong in it is named" {
	setup_acme
	ses s.acme.example
	echo '{"ses:eu-central-1": {"inbound": "in.relay.example"}}' >home/providers.json
	weir-domain records s.acme.example --format csv >got
	grep -q '"in.relay.example."' got
	grep -q '"feedback-smtp.eu-central-1.amazonses.com."' got
	echo '{"ses:xx-north-9": {"inbound": "i.x.example", "feedback": "f.x.example", "dkim": "d.x.example", "spf": "include:x.example"}}' >other
	weir-domain add acme n.acme.example --provider ses:xx-north-9 --dkim-token a --dkim-token b --dkim-token c --providers other
	weir-domain records n.acme.example --providers other --format bind | grep -q 'CNAME a.d.x.example.$'
	run -65 --separate-stderr weir-domain records n.acme.example
	[[ $stderr == *xx-north-9* ]]
	for bad in '{' '[]' '{"gmail":{}}' '{"own":{"inbund":"a.example"}}' '{"own":{"spf":"include:a b"}}' '{"own":{"ns":[{"name":"x y"}]}}'; do
		echo "$bad" >other
		run -78 --separate-stderr weir-domain records s.acme.example --providers other
	done
	[[ $stderr == *'"ns"'* ]]
	run --separate-stderr weir-domain records s.acme.example --providers missing
	[ "$status" = 65 ] && [[ $stderr == *missing* ]]
}

@test "every line of JSON fits the schema" {
	setup_acme
	ses s.acme.example --rua d@s.acme.example
	{ weir-domain records --json s.acme.example; weir-domain show --json s.acme.example; weir-domain list --json; } |
		/usr/bin/python3 "$TOP/tests/schema.py" "$TOP/man/weir-record.schema.json"
}
