# The commands in the EXAMPLES of an mdoc page, as a reader sees them: each .Bd -literal block and
# each .Dl line, blocks ended by a line "%%". mdoc's escapes are undone.
/^\.Sh / { on = ($2 == "EXAMPLES") }
!on { next }
/^\.Bd .*-literal/ { block = 1; next }
/^\.Ed/ { if (block) print "%%"; block = 0; next }
/^\.Dl / { sub(/^\.Dl +/, ""); print plain($0); print "%%"; next }
block { print plain($0) }
function plain(s) {
	gsub(/\\&/, "", s)
	gsub(/\\-/, "-", s)
	gsub(/\\\(dq/, "\"", s)
	gsub(/\\\(aq|\\\(cq/, "'", s)
	gsub(/\\e|\\\(rs/, "\\", s)
	return s
}
