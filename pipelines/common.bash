# shellcheck shell=bash
# What the ingest pipelines share: options, where the programs are, and how PIPESTATUS is read.
# Callers set $prog and $usage and may define own_option (returns how many words it took).
# shellcheck disable=SC2034,SC2154  # callers read the arrays and set the rest
parse=() auth=() scan=() store=() ack=() noscan='' summary='' progress=1 db=/var/lib/clamav

die() { printf '%s: %s\n' "$prog" "$2" >&2; exit "$1"; }

options() {	# leaves the operands in $operand
	while [ $# -gt 0 ]; do
		case $1 in
		--home | --db | --clamd | --jobs | -j | --tenant | --dns | --resolver | --authserv-id)
			[ $# -gt 1 ] || die 64 "$1 wants a value"$'\n'"$usage" ;;&
		--home) export WEIR_HOME=$2; shift ;;
		--db) db=$2 scan+=(--db "$2"); shift ;;
		--clamd) scan+=(--clamd "$2"); shift ;;
		--jobs | -j) parse+=(-j "$2") scan+=(-j "$2"); shift ;;
		--dns | --resolver | --authserv-id) auth+=("$1" "$2"); shift ;;
		--spool-only) auth+=(--spool-only) ;;
		--no-scan) noscan=1 store=(--allow-unscanned) ;;
		--allow-unscanned) scan+=(--allow-unscanned) store=(--allow-unscanned) ;;
		-h | --help) printf '%s\n' "$usage"; exit ;;
		--) shift; break ;;
		-*) own_option "$@" || die 64 "unknown option $1"$'\n'"$usage"
			shift $((own_words - 1)) ;;
		*) break ;;
		esac
		shift
	done
	operand=("$@")
}

progress_option() {
	case $1 in
	--summary) summary=1 ;;
	--no-progress) progress='' ;;
	*) return 1 ;;
	esac
}

# On a terminal people watch; elsewhere there is only the summary, and only when asked for.
watched() {
	if [ -t 2 ]; then
		summary=1
		[ -n "$progress" ] && ack+=(--progress)
	fi
	[ -n "$summary" ] && ack+=(--summary)
}

# The programs: beside the pipelines, in a clone or installed, else wherever PATH has them.
find_programs() {
	local here
	here=$(dirname -- "$(readlink -f -- "$0")")
	[ -x "$here/../bin/weir" ] && PATH=$PATH:$here/../bin
	[ -x "$here/../../bin/weir" ] && PATH=$PATH:$here/../../bin
	export PATH
}

maybe_scan() { if [ -n "$noscan" ]; then exec cat; else exec weir-scan "${scan[@]}"; fi; }

# Who runs this pipeline: our number and start time (proc(5)), so that the stages, which hold the lease of
# what was claimed, know each other even when we are killed (lease.h).
run_name() {
	local stat
	read -r stat <"/proc/$$/stat"
	# shellcheck disable=SC2086  # words are wanted
	set -- ${stat##*) }
	export WEIR_RUN=$$.${20}
}

# judge STAGE... : reads ${status[@]} and ends the run. 65: some input was unusable, lies in quarantine and
# is no failure of the run. 75: run me again. 141: a stage whose reader died first; the reader is
# to blame, and is named.
judge() {
	local worst=0 i=0 name
	for name; do
		case ${status[i]} in
		0 | 65 | 141) ;;
		75) [ "$worst" = 0 ] && worst=75 ;;
		*)
			printf '%s: %s ended with %d; what was not stored stays in the spool\n' "$prog" "$name" "${status[i]}" >&2
			worst=${status[i]} ;;
		esac
		i=$((i + 1))
	done
	[ "$worst" = 0 ] && [[ " ${status[*]} " == *' 141 '* ]] && worst=74
	exit "$worst"
}
