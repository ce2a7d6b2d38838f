# For tests of weir-domain verify: a tenant, zones made of what weir-domain prints, and name servers that serve them.
# Wants common.bash and dns.bash.
# shellcheck disable=SC2016,SC2034  # $ORIGIN is a zone file's; D is for the tests

TOKENS=(--dkim-token tok1 --dkim-token tok2 --dkim-token tok3)
D=service.acme.example

self_managed() {	# DOMAIN...
	local d
	weir-tenant add acme 2>/dev/null || true
	for d; do weir-domain add acme "$d" --provider ses:eu-central-1 "${TOKENS[@]}"; done
}

# zone ZONE [ADDRESS] <records: a whole zone in zones/, its name server ns.ZONE at ADDRESS. Its serial is $SERIAL or 1.
zone() {
	mkdir -p "${ZONES:-zones}"
	{
		printf '$ORIGIN %s.\n$TTL 300\n@ SOA ns hostmaster %s 3600 600 86400 120\n@ NS ns\nns A %s\n' "$1" "${SERIAL:-1}" "${2:-127.0.0.1}"
		cat
	} >"${ZONES:-zones}/$1.zone"
}

# The records of a domain, one a line, without comments.
records() { weir-domain records "$1" --format bind | sed '/^;/d; /^\$/d; /^$/d'; }

# Everything is asked of NSD: it plays the resolver and is the name server of the zones that it has.
verify() { weir-domain verify --resolver "127.0.0.1@$NSD_PORT" --authority-port "$NSD_PORT" "$@"; }

# What is not well, one a line: verdict, type, owner.
not_well() { verify --json "$@" | jq -r '.records[] | select(.verdict != "ok") | "\(.verdict) \(.rrtype) \(.owner)"'; }
state() { verify --json "$@" | jq -r .state; }
# Of findings, from JSON on stdin. spf-unknown: the provider's own SPF, which nobody serves here.
finding_codes() { jq -r '.findings[].code | select(. != "spf-unknown")' | sort -u | paste -sd ' '; }
codes() { verify --json "$@" | finding_codes; }
