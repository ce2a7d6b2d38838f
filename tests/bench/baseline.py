"""What a script of twenty lines makes of the same mail: parse, file attachments by digest, one row
a message. For comparison in bench; it neither scans nor routes nor threads, nor survives hostile mail."""
import email, email.policy, hashlib, os, sqlite3, sys

source, out = sys.argv[1:3]
os.makedirs(os.path.join(out, 'blobs'))
db = sqlite3.connect(os.path.join(out, 'db'))
db.execute('create table message (id text primary key, message_id text, subject text, sender text, date text, body text)')
db.execute('create table attachment (message text, name text, type text, sha256 text)')
for folder, _, names in os.walk(source):
    for name in names:
        with open(os.path.join(folder, name), 'rb') as f:
            raw = f.read()
        mid = hashlib.sha256(raw).hexdigest()
        m = email.message_from_bytes(raw, policy=email.policy.compat32)
        text = ''
        for part in m.walk():
            if part.is_multipart():
                continue
            data = part.get_payload(decode=True) or b''
            if part.get_filename():
                digest = hashlib.sha256(data).hexdigest()
                with open(os.path.join(out, 'blobs', digest), 'wb') as f:
                    f.write(data)
                db.execute('insert into attachment values (?,?,?,?)', (mid, str(part.get_filename()), part.get_content_type(), digest))
            elif part.get_content_type() == 'text/plain':
                text += data.decode('utf-8', 'replace')
        db.execute('insert or ignore into message values (?,?,?,?,?,?)',
                   (mid, str(m['message-id']), str(m['subject']), str(m['from']), str(m['date']), text))
db.commit()
