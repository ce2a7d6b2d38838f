load common
load stored

@test "an mbox gives back every message that ends in a line end, byte for byte" {
	weir-export hausblick >x.mbox
	weir-spool list --kind mbox x.mbox | jq -r .id | sort >got
	for id in $(weir-ls messages hausblick --json | jq -r .id); do
		if [ "$(weir-cat hausblick "$id" | tail -c 1 | od -An -c | tr -d ' ')" = '\n' ]; then weir-cat hausblick "$id" | sha256sum | cut -d' ' -f1; fi
	done | sort >want
	[ "$(comm -23 want got | wc -l)" = 0 ]
	[ "$(wc -l <got)" = "$(weir-ls messages hausblick | wc -l)" ]
	[ "$(wc -l <want)" -gt 10 ]
}

@test "lines that look like the beginning of a message are quoted so that it can be undone" {
	export WEIR_HOME=$PWD/home
	weir-tenant add t
	printf 'From: a@b.example\nSubject: x\n\nFrom here\n>From there\n>>From all\n From not\nFromage\n\nFrom \n' >m.eml
	weir-parse m.eml | weir-route --tenant t | weir-auth | weir-extract -R . | weir-thread | weir-store -R . --allow-unscanned >/dev/null
	weir-export t >x.mbox
	[ "$(grep -c '^From ' x.mbox)" = 1 ]
	grep -q '^>>>From all' x.mbox
	[ "$(weir-spool list --kind mbox x.mbox | jq -r .id)" = "$(sha256sum <m.eml | cut -d' ' -f1)" ]
}

@test "into a maildir, and again: nothing is doubled, what was there is left alone" {
	weir-export hausblick --maildir md
	ls md/cur >before
	[ "$(wc -l <before)" = "$(weir-ls messages hausblick | wc -l)" ]
	first=$(head -1 before)
	echo mine >"md/cur/$first"
	weir-export hausblick --maildir md
	ls md/cur | cmp - before
	[ "$(cat "md/cur/$first")" = mine ]
	[ -d md/new ] && [ -d md/tmp ]
	weir-spool list md | jq -r .id | sort >got
	weir-ls messages hausblick --json | jq -r .raw.sha256 | sort >want
	[ "$(comm -12 got want | wc -l)" = "$(($(wc -l <want) - 1))" ]
}

@test "--jsonl are the entities" {
	weir-export hausblick --jsonl >a
	weir-ls messages hausblick --json | cmp - a
}

@test "a thread, an inbox, a range of dates" {
	id=$(weir-ls hausblick --json | jq -r 'select(.messages == 8).id')
	[ "$(weir-export hausblick --thread "$id" | grep -c '^From ')" = 8 ]
	[ "$(weir-export brueckner --inbox notdienst | grep -c '^From ')" = 2 ]
	[ "$(weir-export hausblick --since 2026-11-09 --before 2026-11-10 --jsonl | wc -l)" = 5 ]
	[ -z "$(weir-export hausblick --before 1990-01-01)" ]
}

@test "--lf has no CR at the end of a line" {
	weir-export hausblick --lf >x.mbox
	[ "$(grep -c $'\r$' x.mbox)" = 0 ]
}

@test "what makes no sense is 64, what is not there is 65, a full disk is 74" {
	run -64 --separate-stderr weir-export
	run -64 --separate-stderr weir-export hausblick --jsonl --maildir md
	run -65 --separate-stderr weir-export nosuch
	run -65 --separate-stderr weir-export hausblick --thread 000000000000
	run -74 --separate-stderr bash -c 'weir-export hausblick >/dev/full'
}
