load common

@test "weir NAME runs weir-NAME with the arguments as they are" {
	mkdir b
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\nexit 65\n' >b/weir-x
	chmod +x b/weir-x
	WEIR_BIN=$PWD/b run -65 weir x 'a b' '' --help '*'
	[ "$output" = '<a b><><--help><*>' ]
}

@test "weir without arguments is wrong usage, weir help is not" {
	run -64 --separate-stderr weir
	[ -z "$output" ]
	weir help | grep -q '^usage: weir NAME'
	weir --help | grep -q '^usage: weir NAME'
}

@test "weir help lists pipelines and programs" {
	weir help >list
	grep -qw ingest list
	grep -qw ingest-maildir list
	grep -qw auth list
	! grep -q common list
}

@test "weir --version is that of the programs" {
	[ "$(weir --version)" = "weir $(weir-auth --version | cut -d' ' -f2)" ]
}

@test "a name that is neither is named, and is wrong usage" {
	run -64 --separate-stderr weir nonsense
	[[ $stderr == *nonsense* ]]
	run -64 --separate-stderr weir --nonsense
	run -64 --separate-stderr weir ../bin/weir-auth
	run -64 --separate-stderr weir pipelines/ingest
}

@test "the front finds its programs through a symlink, from any folder" {
	ln -s "$TOP/bin/weir" w
	env -i PATH=/usr/bin:/bin ./w help | grep -qw ingest
}

@test "weir help NAME shows the manual page" {
	PAGER=cat MANPAGER=cat weir help ingest | grep -q 'weir ingest-maildir'
	PAGER=cat MANPAGER=cat weir help ingest-maildir | grep -q 'weir ingest-maildir'
	PAGER=cat MANPAGER=cat weir help weir | grep -q WEIR_HOME
}

@test "completion: names, options and tenants" {
	bash -c '
		. "$TOP/completion/weir.bash"
		COMP_WORDS=(weir ing) COMP_CWORD=1; _weir; printf "%s\n" "${COMPREPLY[@]}"
		COMP_WORDS=(weir spool ta) COMP_CWORD=2; _weir; printf "%s\n" "${COMPREPLY[@]}"
		COMP_WORDS=(weir-ls thr) COMP_CWORD=1; _weir; printf "%s\n" "${COMPREPLY[@]}"
		COMP_WORDS=(weir auth --h) COMP_CWORD=2; _weir; printf "%s\n" "${COMPREPLY[@]}"' >got
	grep -qx ingest got
	grep -qx ingest-maildir got
	grep -qx tally got
	grep -qx threads got
	grep -qx -- --help got
}
