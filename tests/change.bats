load common

# The tenant's settings and HOME/routes are two files, changed one after the other. What a crash between the two leaves is made here
# by putting back the routes of before, and by killing.
acme() {
	weir-tenant platform --shared-domain in.platform.example
	weir-tenant add acme
	weir-tenant add globex
	weir-domain add acme x.example
	weir-address add acme info@x.example
}
where() {
	jq -nc '{weir:1,id:"x",envelope:{to:$ARGS.positional}}' --args "$@" | weir-route | jq -r 'if .hold then .hold.reason else .tenant end'
}
routes() { weir-domain list; }

@test "a domain that only the settings know gets no mail until the next change, which puts it right" {
	acme
	cp -r "$WEIR_HOME/routes" before
	weir-domain add acme y.example --any
	rm -rf "$WEIR_HOME/routes" && cp -r before "$WEIR_HOME/routes"
	[ "$(where a@y.example)" = unroutable ]
	weir-address set acme info@x.example --name Acme
	[ "$(where a@y.example)" = acme ]
	[ "$(routes)" = $'x.example\tacme\ny.example\tacme' ]
}

@test "a domain that only the routes know is nobody's after the next change, and free for others" {
	acme
	weir-domain add acme y.example --any
	cp -r "$WEIR_HOME/routes" before
	weir-domain remove acme y.example
	rm -rf "$WEIR_HOME/routes" && cp -r before "$WEIR_HOME/routes"
	[ "$(where a@y.example)" = unroutable ]
	# Even a change that is refused has put it right first.
	run -65 --separate-stderr weir-address add acme a@nosuch.example
	[ "$(routes)" = $'x.example\tacme' ]
	weir-domain add globex y.example
}

@test "addresses on the shared domain are put right in the same way, and never given to another" {
	acme
	weir-address add acme hello@in.platform.example
	cp -r "$WEIR_HOME/routes" with
	weir-address remove acme hello@in.platform.example
	cp -r "$WEIR_HOME/routes" without
	rm -rf "$WEIR_HOME/routes" && cp -r with "$WEIR_HOME/routes"
	[ "$(where hello@in.platform.example)" = unroutable ]
	weir-inbox add acme support
	weir-address add globex hello@in.platform.example
	[ "$(where hello@in.platform.example)" = globex ]
	# acme's settings know of an address, routes say that it is globex's: mail goes where routes say, and acme is told.
	rm -rf "$WEIR_HOME/routes" && cp -r without "$WEIR_HOME/routes"
	weir-address add acme hello@in.platform.example
	weir-tenant export acme >e.json
	rm -rf "$WEIR_HOME/routes" && cp -r without "$WEIR_HOME/routes"
	weir-inbox add globex support
	[ "$(where hello@in.platform.example)" = globex ]
	run -65 --separate-stderr weir-inbox add acme another
	[[ $stderr == *"another tenant has the address hello@in.platform.example"* ]]
	weir-address remove acme hello@in.platform.example
	weir-inbox add acme another
}

@test "killed at any moment: settings and routes agree after the next change" {
	acme
	seed=${SEED:-$RANDOM}
	echo "seed $seed (SEED=$seed repeats it)"
	RANDOM=$seed
	weir-address add acme keep@in.platform.example
	for i in $(seq 25); do
		if ((i % 2)); then
			weir-domain add acme "d$i.example" & pid=$!
		else
			weir-address set acme keep@in.platform.example --name "n$i" & pid=$!
			jq -nc --arg n "e$i.example" '{domains:[{domain:"x.example"},{domain:$n}]}' | weir-tenant apply acme >/dev/null & pid=$!
		fi
		for ((n = RANDOM % 4000; n > 0; n--)); do :; done
		kill -9 $pid 2>/dev/null || true
		wait || true
	done
	weir-inbox set acme default --colour '#000000'
	[ "$(weir-tenant export acme | jq -r '.domains[].domain' | sort)" = "$(weir-domain list acme | cut -f1 | sort)" ]
	[ "$(where info@x.example)" = acme ]
	[ "$(where keep@in.platform.example)" = acme ]
	weir-fsck acme
}

@test "two changes at once: one waits, none is lost" {
	acme
	for i in $(seq 8); do weir-address add acme "a$i@x.example" & done
	for i in $(seq 4); do weir-domain add globex "g$i.example" & done
	wait
	[ "$(weir-address list acme | wc -l)" = 9 ]
	[ "$(weir-domain list globex | wc -l)" = 4 ]
	[ "$(weir-domain list acme)" = $'x.example\tacme' ]
}

@test "one domain wanted by two tenants at once goes to one" {
	acme
	for i in $(seq 6); do
		weir-domain add acme "w$i.example" 2>/dev/null & one=$!
		weir-domain add globex "w$i.example" 2>/dev/null & two=$!
		a=0 b=0
		wait $one || a=$?
		wait $two || b=$?
		[ "$a$b" = 065 ] || [ "$a$b" = 650 ]
		[ "$(weir-domain list | grep -c "^w$i.example")" = 1 ]
	done
	for t in acme globex; do
		[ "$(weir-tenant export $t | jq -r '.domains[].domain' | sort)" = "$(weir-domain list $t | cut -f1 | sort)" ]
	done
}

@test "a removed domain gives its addresses to its successor" {
	acme
	weir-domain add acme y.example
	weir-address add acme info@y.example --name Y
	weir-address add acme hq@x.example --inbox support --catch-all
	run -65 --separate-stderr weir-domain remove acme x.example
	[[ $stderr == *"2 address"* ]]
	run -65 --separate-stderr weir-domain remove acme x.example --successor nosuch.example
	run -65 --separate-stderr weir-domain remove acme x.example --successor x.example
	weir-domain remove acme x.example --successor y.example
	[ "$(weir-address list acme)" = $'hq@y.example\tsupport\tcatch-all\ninfo@y.example\tdefault' ]
	[ "$(weir-address --json list acme | jq -r 'select(.primary).address')" = info@y.example ]
	[ "$(weir-domain list acme | cut -f1)" = y.example ]
	weir-domain add acme z.example
	weir-address add acme z@z.example --primary
	weir-domain remove acme z.example --successor hq@y.example
	[ "$(weir-address --json list acme | jq -r 'select(.primary).address')" = hq@y.example ]
}

@test "routes of a weir that knew of no shared domain are read, and get what they lack with the first change" {
	acme
	weir-address remove acme info@x.example
	weir-tenant platform --shared-domain ''
	mkdir old
	for db in meta domains; do mdb_dump -s $db "$WEIR_HOME/routes" | mdb_load -s $db old; done
	rm -rf "$WEIR_HOME/routes" && cp -r old "$WEIR_HOME/routes"
	[ "$(routes)" = $'x.example\tacme' ]
	[ "$(where a@in.platform.example a+b@x.example)" = unroutable ]
	[ -z "$(weir-tenant platform)" ]
	weir-tenant platform --shared-domain in.platform.example
	weir-address add acme a@in.platform.example
	[ "$(where a+b@in.platform.example)" = acme ]
}

@test "routes that are missing are made again for all tenants before anything is changed: nobody takes another's domain or address" {
	acme
	weir-address add acme hello@in.platform.example
	weir-domain add globex y.example --any
	weir-domain list >before
	rm -r "$WEIR_HOME/routes"
	[ "$(where a@y.example)" = unroutable ]
	for try in "weir-domain add globex x.example" "weir-domain add globex below.x.example" \
		"weir-address add globex hello@in.platform.example" "weir-tenant platform --shared-domain y.example"; do
		rm -rf "$WEIR_HOME/routes"
		run -65 --separate-stderr $try
		weir-domain list | cmp - before
		[ "$(where info@x.example)$(where a@y.example)$(where hello@in.platform.example)" = acmeglobexacme ]
		[ "$(weir-tenant platform)" = "shared-domain in.platform.example" ]
	done
}

@test "damaged routes: 78 and what to do, and that makes them again; without reading every tenant they are not made" {
	acme
	weir-domain add globex y.example --any
	weir-domain list >before
	head -c 8192 /dev/zero >"$WEIR_HOME/routes/data.mdb"
	run -78 --separate-stderr weir-domain list
	[[ $stderr == *"weir-tenant routes"* ]]
	rm -r "$WEIR_HOME/routes"
	# One tenant cannot be read: what it has must not become free.
	cp -r "$WEIR_HOME/tenants/acme/entities" entities
	for broken in "head -c 8192 /dev/zero >$WEIR_HOME/tenants/acme/entities/data.mdb" "rm -r $WEIR_HOME/tenants/acme/entities"; do
		eval "$broken"
		run ! --separate-stderr weir-tenant routes
		[[ $stderr == *acme* ]]
		run ! --separate-stderr weir-domain add globex x.example
		[ -z "$(weir-domain list)" ]
	done
	rm -rf "$WEIR_HOME/tenants/acme/entities" && cp -r entities "$WEIR_HOME/tenants/acme/entities"
	weir-tenant routes
	weir-domain list | cmp - before
}

@test "routes of an older copy get what is newer; a name of two tenants' stays where it is, and is told" {
	acme
	cp -r "$WEIR_HOME/routes" before
	weir-domain add acme y.example --any
	rm -r "$WEIR_HOME/routes" && cp -r before "$WEIR_HOME/routes"
	weir-tenant routes
	[ "$(where a@y.example)" = acme ]
	rm -r "$WEIR_HOME/routes" && cp -r before "$WEIR_HOME/routes"
	weir-domain add globex y.example
	run -65 --separate-stderr weir-tenant routes
	[[ $stderr == *"acme: its settings have y.example"* ]]
	[ "$(routes)" = $'x.example\tacme\ny.example\tglobex' ]
	# The way out that was told: one of the two lets go of it.
	weir-domain remove acme y.example
	weir-tenant routes
	[ "$(routes)" = $'x.example\tacme\ny.example\tglobex' ]
}

@test "killed before the first byte of the routes was written: nobody's, not a failure" {
	weir-tenant add acme
	mkdir -p "$WEIR_HOME/routes"
	: >"$WEIR_HOME/routes/data.mdb"
	[ "$(where a@x.example)" = unroutable ]
	[ -z "$(weir-domain list)" ]
	weir-domain add acme x.example --any
	[ "$(where a@x.example)" = acme ]
}
