"""Puts mail into a spool as SES stores and announces it: prepended headers, S3 objects, and
notifications in each of the forms in which a queue consumer may leave them."""
import base64, hashlib, json, os, re
from datetime import datetime, timedelta, timezone
from dkimkit import HERE, sign
from mailkit import *

SPOOL = os.path.join(HERE, 'spool')
CET = timezone(timedelta(hours=1))
JST = timezone(timedelta(hours=9))

SW, HB, BR = 'service.stadtwerke-lindental.example', 'post.hausblick.example', 'xn--brckner-heizung-0vb.example'
INFO, METER, TECH = 'info@' + SW, 'zaehler@' + SW, 'technik@' + SW
TENANTS, LETTING = 'mieter@' + HB, 'vermietung@' + HB
JOBS, NIGHT = 'auftrag@' + BR, 'notdienst@brueckner-notdienst.example'

LOGO = png(64, 20, (24, 92, 160), 7)		# hausblick's, in each of its mails
LOGO_SW = png(80, 18, (0, 120, 70), 9)
made, contents = {}, []


def who(name, address, charset='utf-8', kind='Q'):
    if not name:
        return address
    return ('%s <%s>' if not name.isascii() or not re.search(r'[,.@()]', name) else '"%s" <%s>') % (word(name, charset, kind), address)


def stamp(t, offset=None):
    return t.strftime('%a, %d %b %Y %H:%M:%S ') + (offset or t.strftime('%z'))


def iso(t):
    return t.astimezone(timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.') + '%03dZ' % (t.minute * 7 + t.second)


# ---- who signs ----
# The author's domain: (key, d=, canonicalization, algorithm) for each signature, the last one on top.
SIGNERS = {
    'postfach.example': [('postfach.k2026', 'postfach.example', 'relaxed/relaxed', 'rsa-sha256')],
    'hausblick.example': [('hausblick.s1', 'hausblick.example', 'relaxed/relaxed', 'rsa-sha256'),
                          ('hausblick.s2', 'hausblick.example', 'relaxed/relaxed', 'ed25519-sha256')],
    'stadtwerke-lindental.example': [('stadtwerke-lindental.sw1', 'stadtwerke-lindental.example', 'simple/simple', 'rsa-sha256')],
    BR: [('brueckner.mail', BR, 'relaxed/simple', 'rsa-sha256')],
    'kanto-keiki.example': [('kanto-keiki.kk1', 'kanto-keiki.example', 'relaxed/relaxed', 'rsa-sha256')],
    'grosshandel-sued.example': [('grosshandel-sued.alt', 'grosshandel-sued.example', 'relaxed/relaxed', 'rsa-sha256')],	# 1024 bits
    'planung.example': [('planung.p1', 'planung.example', 'relaxed/relaxed', 'rsa-sha256')],
    'telefonie.example': [('telefonie.fax', 'telefonie.example', 'relaxed/relaxed', 'rsa-sha1')],	# RFC 8301: counts for nothing
    'wärmepumpe.example': [('waermepumpe.e1', 'xn--wrmepumpe-v2a.example', 'relaxed/relaxed', 'ed25519-sha256')],
    'fernwaerme.example': [('fernwaerme.v7', 'fernwaerme.example', 'relaxed/relaxed', 'rsa-sha256'),
                           ('versand.v7', 'versand.example', 'relaxed/relaxed', 'rsa-sha256')],	# who sends it for them
}


def mx_ip(domain):
    """The address from which a domain's mail comes."""
    return '192.0.2.%d' % (sum(domain.encode()) % 250 + 1)


# ---- what SES puts before a message, in its order ----
# ip, helo: of the client, if it is not the one that sends the domain's mail.
def ses_headers(sid, got, env, rcpt, spam='PASS', virus='PASS', spf='pass', dkim='none', dmarc='pass', scan=True, ip=None, host=None):
    dom = env.split('@')[1] if env else 'mx.lieferant.example'
    host = host or ('mx.' + dom if env else dom)
    ip = ip or mx_ip(dom)
    comment = {'pass': 'domain of %s designates %s as permitted sender' % (dom, ip),
               'fail': 'domain of %s does not designate %s as permitted sender' % (dom, ip),
               'softfail': 'transitioning domain of %s does not designate %s as permitted sender' % (dom, ip),
               'none': '%s is neither permitted nor denied by domain of %s' % (ip, dom),
               'temperror': 'Error in retrieving data from DNS'}[spf]
    said = 'spfCheck: ' + comment
    props = 'client-ip=%s; envelope-from=%s; helo=%s;' % (ip, env or 'postmaster@' + dom, host)
    out = ['Return-Path: <%s>' % env,
           'Received: from %s (%s [%s])' % (host, host, ip),
           ' by inbound-smtp.eu-central-1.amazonaws.com with SMTP id %s' % sid,
           ' for %s;' % rcpt, ' ' + stamp(got.astimezone(timezone.utc), '+0000 (UTC)')]
    if scan:
        out += ['X-SES-Spam-Verdict: ' + spam, 'X-SES-Virus-Verdict: ' + virus]
    out += ['Received-SPF: %s (%s) %s' % (spf, said, props),
            'Authentication-Results: amazonses.com;', ' spf=%s (%s) %s' % (spf, said, props)]
    if dkim != 'none':
        out.append(' dkim=%s header.i=@%s;' % (dkim, dom))
    out += [' dmarc=%s header.from=%s;' % (dmarc, dom),
            'X-SES-RECEIPT: ' + base64.b64encode(b'\0AAAAAAAA' + sid.encode()).decode(),
            'X-SES-DKIM-SIGNATURE: a=rsa-sha256; q=dns/txt; b=%s; c=relaxed/simple; s=ihchhvubuqgjsxyuhssfvqohv7z3u4hn; '
            'd=amazonses.com; t=%d; v=1; bh=%s; h=From:To:Cc:Bcc:Subject:Date:Message-ID:MIME-Version:Content-Type:X-SES-RECEIPT;'
            % (base64.b64encode(hashlib.sha512(sid.encode()).digest() * 2).decode(), got.timestamp(),
               base64.b64encode(hashlib.sha256(sid.encode()).digest()).decode())]
    return '\r\n'.join(out) + '\r\n'


SES = {'pass': 'PASS', 'fail': 'FAIL', 'softfail': 'GRAY', 'none': 'GRAY', 'temperror': 'PROCESSING_FAILED'}


def payload(sid, got, env, rcpts, message, v, action):
    """mail and receipt, as a receipt notification has them."""
    head = message.split(b'\r\n\r\n')[0].decode('utf-8', 'replace')
    fields = [f.split(':', 1) for f in re.sub(r'\r\n[ \t]+', ' ', head).split('\r\n') if ':' in f]
    one = {n.lower(): val.strip() for n, val in reversed(fields)}

    def addresses(name):
        return [re.sub(r'^<(.*)>$', r'\1', a.strip()) for a in one[name].split(',')] if name in one else None
    common = {'returnPath': env, 'from': addresses('from'), 'date': one.get('date'), 'to': addresses('to'), 'cc': addresses('cc'),
              'messageId': one.get('message-id'), 'subject': one.get('subject')}
    receipt = {'timestamp': iso(got), 'processingTimeMillis': 400 + len(message) % 300, 'recipients': rcpts,
               'spamVerdict': {'status': v.get('spam', 'PASS') if v.get('scan', True) else 'DISABLED'},
               'virusVerdict': {'status': v.get('virus', 'PASS') if v.get('scan', True) else 'DISABLED'},
               'spfVerdict': {'status': SES[v.get('spf', 'pass')]},
               'dkimVerdict': {'status': SES[v.get('dkim', 'none')]},
               'dmarcVerdict': {'status': SES[v.get('dmarc', 'pass')]}}
    if v.get('dmarc') == 'fail':
        receipt['dmarcPolicy'] = v.get('policy', 'none')
    receipt['action'] = action
    to = [re.sub(r'.*<(.*)>.*', r'\1', a) for n in ('to', 'cc') for a in addresses(n) or []]
    return {'mail': {'timestamp': iso(got), 'source': env, 'messageId': sid, 'destination': to, 'headersTruncated': False,
                     'headers': [{'name': n, 'value': val.strip()} for n, val in fields],
                     'commonHeaders': {k: x for k, x in common.items() if x}}, 'receipt': receipt}


def sns(text_, key, got, subject='Amazon SES Email Receipt Notification'):
    arn = 'arn:aws:sns:eu-central-1:111122223333:inbound'
    return {'Type': 'Notification', 'MessageId': uuid('sns' + key), 'TopicArn': arn, 'Subject': subject, 'Message': text_,
            'Timestamp': iso(got), 'SignatureVersion': '1', 'Signature': base64.b64encode(hashlib.sha512(key.encode()).digest()).decode(),
            'SigningCertURL': 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem',
            'UnsubscribeURL': 'https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=%s:%s' % (arn, uuid('sub'))}


def sqs(body, key, got):
    ms = str(int(got.timestamp() * 1000))
    return {'MessageId': uuid('sqs' + key), 'ReceiptHandle': base64.b64encode(key.encode() * 3).decode(),
            'MD5OfBody': hashlib.md5(body.encode()).hexdigest(), 'Body': body,
            'Attributes': {'ApproximateReceiveCount': '1', 'SentTimestamp': ms, 'SenderId': 'AIDAEXAMPLE', 'ApproximateFirstReceiveTimestamp': ms}}


def s3_event(key, size, got):
    quoted = ''.join(c if c.isalnum() or c in '/._-' else '+' if c == ' ' else '%%%02X' % ord(c) for c in key)
    return {'Records': [{'eventVersion': '2.1', 'eventSource': 'aws:s3', 'awsRegion': 'eu-central-1', 'eventTime': iso(got),
                         'eventName': 'ObjectCreated:Put', 'userIdentity': {'principalId': 'AWS:AIDAEXAMPLE'},
                         'requestParameters': {'sourceIPAddress': '192.0.2.9'},
                         'responseElements': {'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': 'EXAMPLE'},
                         's3': {'s3SchemaVersion': '1.0', 'configurationId': 'spool', 'bucket': {'name': 'spool-bucket',
                                'ownerIdentity': {'principalId': 'A3NL1KOZZKExample'}, 'arn': 'arn:aws:s3:::spool-bucket'},
                                'object': {'key': quoted, 'size': size, 'eTag': hashlib.md5(key.encode()).hexdigest(), 'sequencer': '0055AED6DCD90281E5'}}}]}


def dump(obj):
    return json.dumps(obj, ensure_ascii=False, separators=(',', ':'))


def write(path, data):
    full = os.path.join(SPOOL, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def deliver(key, form, got, env, rcpts, own, point, v=None, sid=None, folder='in', note=True):
    """Puts a message into the spool in one of the forms it may arrive in."""
    v = v or {}
    sid = sid or ses_id(key)
    opts = {k: x for k, x in v.items() if k != 'policy'}
    message = ses_headers(sid, got, env, rcpts[0], **opts).encode() + own
    obj = folder + '/' + sid
    act = {'type': 'S3', 'topicArn': 'arn:aws:sns:eu-central-1:111122223333:inbound', 'bucketName': 'spool-bucket',
           'objectKeyPrefix': folder, 'objectKey': obj}
    if form.startswith('content'):
        b = form == 'content64'
        act = {'type': 'SNS', 'topicArn': act['topicArn'], 'encoding': 'BASE64' if b else 'UTF8'}
    elif form.endswith('lambda'):
        act = {'type': 'Lambda', 'functionArn': 'arn:aws:lambda:eu-central-1:111122223333:function:inbound', 'invocationType': 'Event'}
    p = payload(sid, got, env, rcpts, message, v, act)
    plain = {'notificationType': 'Received', **p}
    if form.startswith('content'):
        plain['content'] = base64.b64encode(message).decode() if b else message.decode('utf-8')
    event = {'sns': lambda: sns(dump(plain), key, got), 'raw': lambda: plain,
             'sqs': lambda: sqs(dump(sns(dump(plain), key, got)), key, got), 'sqsraw': lambda: sqs(dump(plain), key, got),
             'lambda': lambda: {'Records': [{'eventSource': 'aws:ses', 'eventVersion': '1.0', 'ses': p}]},
             'snslambda': lambda: {'Records': [{'EventSource': 'aws:sns', 'EventVersion': '1.0', 'EventSubscriptionArn': 'arn:aws:sns:eu-central-1:111122223333:inbound:1',
                                               'Sns': {k.replace('URL', 'Url'): x for k, x in sns(dump(plain), key, got).items()}}]},
             'content': lambda: sns(dump(plain), key, got), 'content64': lambda: sns(dump(plain), key, got),
             's3': lambda: s3_event(obj, len(message), got), 'none': lambda: None, 'noobject': lambda: plain}[form]()
    if event:
        write('events/%s.json' % uuid(key + form), dump(event) + '\n')
    if form not in ('content', 'content64', 'noobject'):
        write(obj, message)
    contents.append((got, sid, form, ', '.join(r.split('@')[0] + '@' + r.split('@')[1].split('.')[-2] for r in rcpts), key, point))
    return sid, message


def mail(key, when, sender, to, subject, body, rcpts, point, form='sns', reply=None, delay=4, env=None, head='', cc=None,
         v=None, refs=None, msgid=None, date=None, tz=CET, raw_to=None, subj_cs=('utf-8', 'B')):
    """One message of the story. sender, to, cc: (name, address). reply: the key it answers."""
    sent = datetime.strptime('2026-11-' + when, '%Y-%m-%d %H:%M').replace(tzinfo=tz)
    addr = sender[1]
    mid = '<%s@%s>' % (key, addr.split('@')[1]) if msgid is None else msgid
    if reply:
        refs = made[reply][1] + [made[reply][0]]
    made[key] = (mid, refs or [])
    own = 'From: %s\r\n' % who(*sender) + 'To: %s\r\n' % (raw_to or ', '.join(who(*t) for t in to))
    if cc:
        own += 'Cc: %s\r\n' % ',\r\n '.join(who(*t) for t in cc)
    own += 'Subject: %s\r\n' % word(subject, *subj_cs) + 'Date: %s\r\n' % (date or stamp(sent))
    own += 'Message-ID: %s\r\n' % mid if mid else ''
    if refs:
        own += 'In-Reply-To: %s\r\nReferences: %s\r\n' % (refs[-1], '\r\n '.join(refs))
    own = (own + head + 'MIME-Version: 1.0\r\n').encode() + body
    v = {'dkim': 'none', **(v or {})}
    if v.pop('sign', True):
        for name, domain, canon, algorithm in SIGNERS.get(addr.split('@')[1], []):
            own = sign(own, name, domain, int(sent.timestamp()), canon, algorithm)
            v['dkim'] = v['dkim'] if v['dkim'] != 'none' else 'pass'
    own = own.replace(*v.pop('then', (b'', b'')))		# something that was done to it on its way
    return deliver(key, form, sent + timedelta(seconds=delay), addr if env is None else env, rcpts, own, point, v)


def hb(body, key, files=()):
    """hausblick's mails: text and HTML with the logo inline, then the files."""
    html = '<html><body><p>%s</p><p><img src="cid:logo@hausblick.example" alt="Hausblick"></p></body></html>' % \
        body.replace('&', '&amp;').replace('\n\n', '</p><p>').replace('\n', '<br>\n')
    rel = multi('related', key, text(html, ctype='text/html'), attach('logo.png', 'image/png', LOGO, disposition='inline', cid='logo@hausblick.example'))
    alt = multi('alternative', key, text(body + '\n-- \nHausblick Verwaltung, Lindental\n'), rel)
    return multi('mixed', key, alt, *files) if files else alt
