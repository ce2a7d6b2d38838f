load common

# Uses what is built; installing builds nothing, so that it may be done by root.
install_to() { make -s -o all -C "$TOP" install BIN="$WEIR_BIN" "$@" >log 2>&1 || { cat log; return 1; }; }

@test "make install follows DESTDIR and PREFIX, and what is installed works" {
	install_to DESTDIR="$PWD/d" PREFIX=/opt/weir
	for f in bin/weir bin/weir-parse bin/weir-store libexec/weir/ingest libexec/weir/common.bash share/man/man7/weir.7 \
		share/man/man1/weir-parse.1 share/man/man5/weir-record.5 share/doc/weir/LICENSE share/bash-completion/completions/weir; do
		[ -f "d/opt/weir/$f" ] || { echo "no $f"; false; }
	done
	unset WEIR_BIN
	cp -r "$SAMPLES/spool" spool
	PATH=$PWD/d/opt/weir/bin:/usr/bin:/bin
	"$SAMPLES/setup"
	weir ingest --db "$SAMPLES/signatures" --no-progress spool || [ $? = 75 ]
	[ "$(weir ls messages hausblick --json | wc -l)" -gt 10 ]
}

@test "every program has its page and its completion, and is installed with them" {
	install_to DESTDIR="$PWD/d" PREFIX=/usr
	for p in "$TOP"/src/weir-*.c; do
		p=$(basename "$p" .c)
		[ -x "d/usr/bin/$p" ]
		[ -f "d/usr/share/man/man1/$p.1" ] || { echo "no page $p.1"; false; }
		[ -e "d/usr/share/bash-completion/completions/$p" ]
	done
}

@test "make uninstall leaves nothing of weir behind" {
	install_to DESTDIR="$PWD/d" PREFIX=/usr
	make -s -C "$TOP" uninstall BIN="$WEIR_BIN" DESTDIR="$PWD/d" PREFIX=/usr
	[ -z "$(find d ! -type d)" ]
}
