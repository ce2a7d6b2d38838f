#!/usr/bin/env python3
# Records as weir-scan would hand them on, without the stages before it: for tests of the store and of threads.
#   records.py make DIR N [BYTES]    N small messages in DIR that form threads; some have attachments
#   records.py read FILE...          a record for each file ("-": names on standard input), with what
#                                    threads need of its headers and one fixed recipient
import email.parser, email.policy, email.utils, hashlib, json, os, re, sys

def ids(value):
    return re.findall(r'<([^<>\s]+)>', value or '')

def record(path, raw, recipients=None, parts=None, attachments=None):
    m = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(raw)
    get = lambda n: str(m.get(n) or '')
    message = {}
    if ids(get('Message-ID')):
        message['message_id'] = ids(get('Message-ID'))[0]
    message['in_reply_to'] = ids(get('In-Reply-To'))
    message['references'] = ids(get('References'))
    message['subject'] = get('Subject').encode('ascii', 'replace').decode()
    message['from'] = [{'name': n, 'address': a} for n, a in email.utils.getaddresses([get('From').encode('ascii', 'replace').decode()])]
    try:
        when = email.utils.parsedate_to_datetime(get('Date'))
        message['date'] = {'unix': int(when.timestamp())}
    except Exception:
        pass
    address = 'info@x.example'
    return {'weir': 1, 'id': hashlib.sha256(raw).hexdigest(), 'raw': {'path': os.path.abspath(path), 'size': len(raw)},
        'spool': {'name': os.path.basename(path)}, 'envelope': {'from': 'a@y.example', 'to': [address], 'source': 'option'},
        'message': message, 'parts': parts or [{'part': '1', 'kind': 'leaf', 'content_type': 'text/plain', 'body': True, 'size': len(raw)}],
        'defects': [], 'tenant': os.environ.get('TENANT', 'acme'),
        'recipients': recipients or [{'rcpt': address, 'address': address, 'inbox': 'support', 'match': 'exact'}],
        'auth': {'source': 'none', 'spf': {'result': 'unchecked'}}, 'attachments': attachments or [],
        'scan': {'verdict': 'clean', 'engine': 'none', 'db': 'none'}}

def put(r):
    sys.stdout.write(json.dumps(r, ensure_ascii=False, separators=(',', ':')) + '\n')

def read(names):
    for path in names:
        with open(path, 'rb') as f:
            put(record(path, f.read()))

# A fixed sequence: the same numbers on every machine.
def noise(i, n):
    return int(hashlib.sha256(b'%d' % i).hexdigest(), 16) % n

def make(folder, count, size):
    os.makedirs(folder, exist_ok=True)
    for i in range(count):
        root = noise(i, max(1, count // 5))
        parent = noise(i + 10**9, i) if i else 0
        refs = [] if i % 5 == 0 else ['root%d@x' % root] + (['m%d@x' % parent] if i % 7 == 0 else [])
        blob = b'attachment %d\n' % (i % 13)
        head = 'From: "P %d" <p%d@y.example>\r\nSubject: number %d\r\nMessage-ID: <m%d@x>\r\n' % (i % 9, i % 9, i, i)
        if i % 11:
            head += 'Date: %s\r\n' % email.utils.formatdate(1700000000 + noise(i, 10**6))
        else:
            head = 'Received: from a by b; %s\r\n' % email.utils.formatdate(1700000000 + i) + head
        if refs:
            head += 'References: %s\r\n' % ' '.join('<%s>' % r for r in refs)
        raw = (head + '\r\n').encode() + blob
        raw += b'x' * max(0, size - len(raw))
        path = os.path.join(folder, '%06d.eml' % i)
        with open(path, 'wb') as f:
            f.write(raw)
        parts = attachments = None
        if i % 3 == 0:
            at = raw.index(blob)
            parts = [{'part': '1', 'kind': 'leaf', 'content_type': 'text/plain', 'filename': 'a%d.txt' % (i % 13), 'size': len(blob)}]
            attachments = [{'part': '1', 'sha256': hashlib.sha256(blob).hexdigest(), 'size': len(blob), 'path': os.path.abspath(path), 'offset': at}]
        people = ['info@x.example', 'sales@x.example'][:1 + (i % 4 == 0)]
        put(record(path, raw, [{'rcpt': p, 'address': p, 'inbox': p.split('@')[0], 'match': 'exact'} for p in people], parts, attachments))

if sys.argv[1] == 'make':
    make(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 0)
else:
    read([l.rstrip('\n') for l in sys.stdin] if sys.argv[2:] == ['-'] else sys.argv[2:])
