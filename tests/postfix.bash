# A Postfix of one's own on 127.0.0.1 that hands every message to a file: postfix_start, postfix_send FILE FROM TO,
# postfix_wait N (messages in $POSTFIX/out), postfix_stop. Wants root: without it, or without Postfix, postfix_why says why not.

postfix_why() {
	[ -x /usr/sbin/postfix ] || { echo "no Postfix here (apt-get install postfix)"; return; }
	[ "$(id -u)" = 0 ] || echo "Postfix wants root to start"
}

postfix_start() {
	local _
	POSTFIX=$(mktemp -d /tmp/weir-postfix.XXXXXX)	# its daemons are other users: not within the test's own folder
	export POSTFIX
	POSTFIX_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	export POSTFIX_PORT
	chmod 755 "$POSTFIX"
	mkdir -p "$POSTFIX"/{etc,spool,data,out}
	chown postfix "$POSTFIX/data"
	chmod 1777 "$POSTFIX/out"
	cat >"$POSTFIX/sink.sh" <<-EOT
	#!/bin/sh
	cat >"$POSTFIX/out/.\$1" && mv "$POSTFIX/out/.\$1" "$POSTFIX/out/\$1"
	EOT
	chmod 755 "$POSTFIX/sink.sh"
	cat >"$POSTFIX/etc/main.cf" <<-EOT
	compatibility_level = 3.6
	queue_directory = $POSTFIX/spool
	data_directory = $POSTFIX/data
	command_directory = /usr/sbin
	daemon_directory = /usr/lib/postfix/sbin
	mail_owner = postfix
	setgid_group = postdrop
	maillog_file = $POSTFIX/mail.log
	maillog_file_prefixes = /tmp
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	myhostname = relay.example
	mydestination =
	mynetworks = 127.0.0.0/8
	alias_maps =
	alias_database =
	local_recipient_maps =
	smtpd_relay_restrictions = permit_mynetworks, reject
	default_transport = sink:
	relay_transport = sink:
	sink_destination_recipient_limit = 1
	disable_dns_lookups = yes
	smtputf8_enable = yes
	EOT
	cat >"$POSTFIX/etc/master.cf" <<-EOT
	127.0.0.1:$POSTFIX_PORT inet n - n - - smtpd
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	error unix - - n - - error
	retry unix - - n - - error
	anvil unix - - n - 1 anvil
	postlog unix-dgram n - n - 1 postlogd
	sink unix - n n - 10 pipe flags=DROu user=nobody eol=\r\n argv=$POSTFIX/sink.sh \${queue_id}
	EOT
	postfix -c "$POSTFIX/etc" start >"$POSTFIX/start.log" 2>&1 3>&-
	for _ in $(seq 200); do
		(: </dev/tcp/127.0.0.1/"$POSTFIX_PORT") 2>/dev/null && return
		sleep 0.1
	done
	cat "$POSTFIX/start.log" "$POSTFIX/mail.log"
	return 1
}

postfix_send() {
	python3 - "$POSTFIX_PORT" "$@" <<-'END'
	import smtplib, sys
	port, path, sender, to = sys.argv[1:]
	with smtplib.SMTP('127.0.0.1', int(port)) as s:
	    s.sendmail(sender, [to], open(path, 'rb').read(), mail_options=['BODY=8BITMIME'])
	END
}

postfix_wait() {
	local end=$((SECONDS + 60))
	until [ "$(find "$POSTFIX/out" -type f ! -name '.*' | wc -l)" -ge "$1" ]; do
		((SECONDS < end)) || { tail -30 "$POSTFIX/mail.log"; return 1; }
		sleep 0.1
	done
}

postfix_stop() {
	[ -z "${POSTFIX-}" ] && return
	postfix -c "$POSTFIX/etc" stop >/dev/null 2>&1 3>&- || :
	case $POSTFIX in /tmp/weir-postfix.*) rm -rf "$POSTFIX" ;; esac
}
