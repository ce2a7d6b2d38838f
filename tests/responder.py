#!/usr/bin/python3
"""A name server on 127.0.0.1 that misbehaves as told: responder.py PORTFILE RULE...

RULE is NAME=ACTION; the longest NAME that the name asked for is or lies below counts. ACTION:
  answer      A 192.0.2.1, TXT "here", nothing else (what happens to names without a rule)
  nxdomain, servfail, refused
  silent      no answer at all
  delay:MS    an answer, late
  truncate    over UDP the TC bit and nothing else; over TCP an answer of two TXT records, 8 kB
  badtcp      the same, but TCP connections are closed without an answer
  garbage     bytes that are no DNS message
PORTFILE gets the port when both sockets listen. Ends with SIGTERM.
"""
import os
import socket
import socketserver
import struct
import sys
import threading

RCODES = {"nxdomain": 3, "servfail": 2, "refused": 5}


def question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


def rule_for(name, rules):
    best = ""
    for suffix in rules:
        if (name == suffix or name.endswith("." + suffix)) and len(suffix) > len(best):
            best = suffix
    return rules.get(best, "answer")


def record(kind, rdata):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(rdata)) + rdata


def message(query, asked, rcode=0, flags=0, records=()):
    head = query[:2] + struct.pack(">HHHHH", 0x8480 | flags | rcode | (query[2] & 1) << 8, 1, len(records), 0, 0)
    return head + asked + b"".join(records)


def reply(query, rules, tcp):
    """(bytes or None, seconds to wait)"""
    name, kind, asked = question(query)
    action, _, arg = rule_for(name, rules).partition(":")
    if action == "silent" or (action == "badtcp" and tcp):
        return None, 0
    if action in RCODES:
        return message(query, asked, RCODES[action]), 0
    if action == "garbage":
        return query[:2] + b"\xff" * 40, 0
    if action in ("truncate", "badtcp") and not tcp:
        return message(query, asked, flags=0x0200), 0
    if action == "truncate":
        return message(query, asked, records=[record(16, (b"\xfa" + c * 250) * 16) for c in (b"a", b"b")]), 0
    records = [record(1, b"\xc0\x00\x02\x01")] if kind == 1 else [record(16, b"\x04here")] if kind == 16 else []
    return message(query, asked, records=records), float(arg) / 1000 if action == "delay" else 0


def main():
    portfile, rules = sys.argv[1], dict(rule.rsplit("=", 1) for rule in sys.argv[2:])

    class Stream(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(10)
            while True:
                head = self.request.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    return
                data, _ = reply(self.request.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL), rules, True)
                if data is None:
                    return
                self.request.sendall(struct.pack(">H", len(data)) + data)

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = allow_reuse_address = True

    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        try:
            tcp = Listener(("127.0.0.1", port), Stream)
            break
        except OSError:
            udp.close()
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    with open(portfile + ".new", "w", encoding="ascii") as out:
        out.write(str(port))
    os.rename(portfile + ".new", portfile)
    while True:
        query, peer = udp.recvfrom(4096)
        data, wait = reply(query, rules, False)
        if data is None:
            continue
        if wait:
            threading.Timer(wait, udp.sendto, (data, peer)).start()
        else:
            udp.sendto(data, peer)


main()
