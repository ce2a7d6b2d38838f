# shellcheck shell=bash
# bash completion for weir and weir-NAME: names, what a program can do, long options (from --help), tenants, files.
_weir() {
	local cur=${COMP_WORDS[COMP_CWORD]} prog=${COMP_WORDS[0]} words='' first=1
	if [ "${prog##*/}" = weir ]; then
		if [ "$COMP_CWORD" = 1 ] || [[ $COMP_CWORD = 2 && ${COMP_WORDS[1]} = help ]]; then
			words=$(weir help 2>/dev/null | sed -n '/^pipelines and programs:/,/^$/s/^    //p')
			mapfile -t COMPREPLY < <(compgen -W "$words help --version" -- "$cur")
			return
		fi
		prog="weir ${COMP_WORDS[1]}" first=2
	fi
	if [[ $cur = -* ]]; then
		words=$($prog --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)
	elif [[ $prog =~ [\ -](ls|show|cat|event|export|fsck|why|tenant|domain|address|inbox)$ || ${COMP_WORDS[COMP_CWORD-1]} = --@(tenant|table) ]]; then
		words=$(weir tenant list 2>/dev/null)
	fi
	# What is to be done comes first.
	[[ $COMP_CWORD = "$first" && $cur != -* ]] && case ${prog##*[ -]} in
	spool) words='list claim ack tally hold release requeue put status' ;;
	event) words='dmarc tlsrpt list' ;;
	tenant) words='add list show set export plan apply remove platform routes' ;;
	address | inbox) words='add list show set remove' ;;
	domain) words='add set list show remove records zone delegation mta-sts rotate verify plan history' ;;
	ls) words="threads messages attachments inboxes events tenants $words" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; compgen -f -- "$cur")
}
# For the front, and for every program under its own name.
for _weir_prog in weir $(compgen -c weir- | sort -u); do
	complete -o filenames -F _weir "$_weir_prog"
done
unset _weir_prog
