"""DKIM signatures (RFC 6376, 8463) for make-spool, by openssl(1) and not by weir: what weir verifies must not be its own work.
RSA with PKCS #1 1.5 and Ed25519 are deterministic, so the same keys make the same samples."""
import base64, hashlib, os, re, subprocess, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNED = ('from', 'to', 'cc', 'subject', 'date', 'message-id', 'in-reply-to', 'references', 'reply-to',
          'mime-version', 'content-type', 'content-transfer-encoding')


def key_file(name):
    return os.path.join(HERE, 'keys', name + '.pem')


def public(name):
    """The p= of a key record: an Ed25519 key's bare 32 bytes (RFC 8463 4.2), RSA as SubjectPublicKeyInfo."""
    der = subprocess.run(['openssl', 'pkey', '-in', key_file(name), '-pubout', '-outform', 'DER'], check=True, capture_output=True).stdout
    return base64.b64encode(der[-32:] if len(der) == 44 else der).decode()


def raw_signature(name, algorithm, data):
    key = key_file(name)
    if algorithm == 'ed25519-sha256':	# signs the hash (RFC 8463 3); openssl wants a file for it
        with tempfile.NamedTemporaryFile() as f:
            f.write(hashlib.sha256(data).digest())
            f.flush()
            return subprocess.run(['openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', key, '-in', f.name], check=True, capture_output=True).stdout
    return subprocess.run(['openssl', 'dgst', '-' + algorithm.split('-')[1], '-sign', key], input=data, check=True, capture_output=True).stdout


def fields(head):
    return re.findall(rb'[^\r\n]+(?:\r\n[ \t][^\r\n]*)*\r\n', head)


def canonical_field(field, how):
    if how == 'simple':
        return field
    name, value = field.split(b':', 1)
    return name.strip().lower() + b':' + re.sub(rb'[ \t]+', b' ', value.replace(b'\r\n', b'')).strip() + b'\r\n'


def canonical_body(body, how):
    if how == 'relaxed':
        body = b'\r\n'.join(re.sub(rb'[ \t]+', b' ', line).rstrip(b' ') for line in body.split(b'\r\n'))
    body = re.sub(rb'(\r\n)*\Z', b'', body)
    return body + b'\r\n' if body or how == 'simple' else b''


def sign(message, name, domain, when, canon='relaxed/relaxed', algorithm='rsa-sha256'):
    """The message with a DKIM-Signature on top. name: of the key, DOMAIN.SELECTOR. when: seconds since 1970.
    From is signed once more than it is there, so that none can be added (8.15)."""
    head, body = message.split(b'\r\n\r\n', 1)
    head_how, body_how = canon.split('/')
    there, names, data = fields(head + b'\r\n'), [], b''
    for n in SIGNED:
        for f in reversed([f for f in there if f.split(b':')[0].strip().lower() == n.encode()]):	# 5.4.2: from the bottom
            names.append(n)
            data += canonical_field(f, head_how)
    hashed = base64.b64encode(hashlib.new(algorithm.split('-')[1], canonical_body(body, body_how)).digest()).decode()
    field = 'DKIM-Signature: v=1; a=%s; c=%s; d=%s; s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=' % (
        algorithm, canon, domain, name.split('.')[1], when, ':'.join(names + ['from']), hashed)
    data += canonical_field((field + '\r\n').encode(), head_how)[:-2]
    b = base64.b64encode(raw_signature(name, algorithm, data)).decode()
    return (field + '\r\n '.join(b[i:i + 72] for i in range(0, len(b), 72)) + '\r\n').encode() + message
