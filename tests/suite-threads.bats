# Threads of others' test suites and of a real mailing list. Their folders are beside the project; without them: skipped.
load common

@test "imaptest's THREAD=REFERENCES: the same threads but for the differences that are listed" {
	[ -d "$WEIR_SUITES/threads" ] || skip "NO $WEIR_SUITES/threads: the thread suite was NOT run"
	"$TOP/tests/suite-threads.py" "$WEIR_SUITES/threads" >found
	[ "$(wc -l <found)" = 14 ]
	awk '$3 == "expected"' found | sed 's/ expected \(.*\) ours \(.*\)/ | \1 | \2/' | sort >differ
	sed -n 's/^| \(thread[^|]*\) | \([^|]*\) | \([^|]*\) |.*/\1 | \2 | \3/p' "$TOP/tests/suite-threads-differences.md" | grep -v '^thread-' | sort >listed
	diff listed differ
}

# A real archive, once for all tests here: its records as they come out of weir-extract.
corpus() {
	[ -f "$WEIR_CORPORA/threads.tar.xz" ] || skip "NO $WEIR_CORPORA/threads.tar.xz: threads of real mail were NOT tested"
	CORPUS=$BATS_FILE_TMPDIR/corpus
	[ -d "$CORPUS" ] && return
	mkdir "$CORPUS"
	tar -xJf "$WEIR_CORPORA/threads.tar.xz" -C "$CORPUS"
	(
		export WEIR_HOME=$CORPUS/home
		weir-tenant add acme >/dev/null
		find "$CORPUS" -name '*.eml' | sort | xargs weir-parse -j2 --no-text --no-html --no-headers |
			weir-route --tenant acme | weir-auth | weir-extract -R "$CORPUS" >"$CORPUS/records"
	)
}

store_in() { # store_in NAME OPTIONS...: into a home of its own
	export WEIR_HOME=$BATS_TEST_TMPDIR/$1
	[ -d "$WEIR_HOME" ] || weir-tenant add acme >/dev/null
	weir-store --allow-unscanned -R "$CORPUS" "${@:2}" 2>/dev/null >/dev/null
}

@test "a mailing list's archive: the same threads as notmuch's" {
	corpus
	cat "$CORPUS/records" "$CORPUS/records" | weir-thread --no-store | tail -n "$(wc -l <"$CORPUS/records")" |
		jq -r '[.raw.path,.thread.id]|@tsv' >ours
	tail -n +2 "$WEIR_CORPORA/threads.notmuch.tsv" | python3 -c '
import sys
ours, theirs = {}, {}
for line in open("ours"):
    path, thread = line.rstrip("\n").split("\t")
    ours.setdefault(thread, set()).add(path.rsplit("/", 1)[1])
for line in sys.stdin:
    f = line.rstrip("\n").split("\t")
    theirs.setdefault(f[0], set()).update(n.rsplit("/", 1)[1] for n in f[4].split("|"))
a, b = (sorted(map(sorted, x.values())) for x in (ours, theirs))
print(len(a), "threads,", len(b), "of notmuch")
for t in a:
    if t not in b: print("only ours:", t)
for t in b:
    if t not in a: print("only notmuch:", t)
sys.exit(a != b)'
}

@test "the archive in five orders, in batches of 1, 7 and all, and from two pipelines at once: one digest" {
	corpus
	r=$CORPUS/records
	store_in a <"$r"
	want=$(weir-fsck --digest acme)
	weir-fsck acme
	# One by one is a sync for each: the first thousand so, the rest at once.
	store_in b -n 1 < <(tac "$r" | head -1000)
	store_in b < <(tac "$r")
	[ "$(weir-fsck --digest acme)" = "$want" ]
	store_in c -n 7 < <(shuf --random-source=<(yes 1) "$r")
	[ "$(weir-fsck --digest acme)" = "$want" ]
	store_in d < <(shuf --random-source=<(yes 2) "$r")
	[ "$(weir-fsck --digest acme)" = "$want" ]
	export WEIR_HOME=$BATS_TEST_TMPDIR/e
	weir-tenant add acme
	store_in e -n 100 <"$r" & one=$!
	store_in e -n 70 < <(shuf --random-source=<(yes 3) "$r") & two=$!
	wait $one && wait $two
	weir-fsck acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
	weir-fsck --rebuild acme
	[ "$(weir-fsck --digest acme)" = "$want" ]
}
