load common

# The long form is `make crash` (KILLS=, SEED=).
@test "kill -9 of stages, workers, scripts and all at once: nothing lost, nothing doubled (8 kills)" {
	seed=${SEED:-$RANDOM}
	"$TOP/tests/tools/crash" --kills 8 --messages 150 --seed "$seed" "$PWD/crash" >log 2>&1 ||
		{ tail -20 log; echo "again: tests/tools/crash --kills 8 --messages 150 --seed $seed"; false; }
	grep -q "nothing lost" log
}
