load common

# The long form, 20,000 messages, is part of `make crash`.
@test "4 pipelines at once on one spool, 100 tenants, 2,000 messages: none lost, none twice, no deadlock" {
	seed=${SEED:-$RANDOM}
	"$TOP/tests/tools/load" --messages 2000 --seed "$seed" "$PWD/load" >log 2>&1 ||
		{ tail -60 log; echo "again: tests/tools/load --messages 2000 --seed $seed"; false; }
	grep -q "none lost, none twice" log
}

@test "load's watchdog ends a run that hangs, and tells where" {
	mkdir fake
	printf '#!/bin/sh\nexec sleep 1000\n' >fake/weir-thread
	for p in "$WEIR_BIN"/weir-*; do [ -e "fake/${p##*/}" ] || ln -s "$p" fake/; done
	chmod +x fake/weir-thread
	run -1 env WEIR_BIN="$PWD/fake" "$TOP/tests/tools/load" --messages 20 --tenants 2 --pipelines 2 --limit 1 "$PWD/load"
	[[ $output == *"not done after 1 s"* && $output == *"sleep 1000 : state S"* ]]
}
