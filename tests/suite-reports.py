"""Holds weir-event against the expected results beside the reports of the suite: suite-reports.py SUITES/dkim.

Every field of each expected result is compared. Where theirs and ours differ on purpose, it is in `differences` below, with the
reason; a difference that does not occur any more is a failure, too.
"""
import glob
import json
import os
import subprocess
import sys

suite = sys.argv[1]
failed, compared = 0, 0
differences = {
    # file: (what is done to theirs, why)
    "dmarc-feedback/005.xml": (lambda t: t["rows"].__setitem__(0, t["rows"][0].replace('"type": "other"', '"type": "sampled_out"')),
                               "sampled_out, which RFC 9990 dropped, is still said by the older reporters: ours keeps the word"),
    "tlsrpt/rpt03.json": ("refused", "no policy names a policy-domain (RFC 8460 4.4 requires it): nobody's to store"),
}
# Theirs have no number for a report without version, an empty text for no envelope_from, "Unspecified" for what was not said, and no
# room for pct, np, generator and what RFC 9990 added; ours leave out what is not there. Their rows are in the order of the file.


def weir(args, path):
    got = subprocess.run(["weir-event", *args, "--json", path], capture_output=True)
    return got.returncode, got.stdout


def word(s):
    return None if s is None or s == "Unspecified" else {"Relaxed": "r", "Strict": "s", "MailFrom": "mfrom", "Helo": "helo", "TempError": "temperror",
        "PermError": "permerror", "SoftFail": "softfail", "TrustedForwarder": "trusted_forwarder", "LocalPolicy": "local_policy",
        "MailingList": "mailing_list", "SampledOut": "sampled_out", "PolicyTestMode": "policy_test_mode"}.get(s, s.lower())


def clean(d):
    return {k: v for k, v in d.items() if v not in (None, "", [])}


def their_row(r):
    e, i, a = r["row"]["policy_evaluated"], r["identifiers"], r["auth_results"]
    return json.dumps(clean({
        "source_ip": r["row"]["source_ip"], "count": r["row"]["count"],
        "disposition": word(e["disposition"]), "dkim": word(e["dkim"]), "spf": word(e["spf"]),
        "header_from": i["header_from"], "envelope_from": i["envelope_from"], "envelope_to": i["envelope_to"],
        "reasons": [clean({"type": word(x["type_"]), "comment": x["comment"]}) for x in e["reason"]],
        "auth": {"dkim": [clean({"domain": x["domain"], "selector": x["selector"], "result": word(x["result"]), "human_result": x["human_result"]})
                          for x in a["dkim"]],
                 "spf": [clean({"domain": x["domain"], "scope": word(x["scope"]), "result": word(x["result"]), "human_result": x["human_result"]})
                         for x in a["spf"]]}}), sort_keys=True)


def theirs(t):
    m, p = t["report_metadata"], t["policy_published"]
    return clean({
        "version": float(t["version"]), "org": m["org_name"], "email": m["email"], "contact": m["extra_contact_info"],
        "report_id": m["report_id"], "begin": m["date_range"]["begin"], "end": m["date_range"]["end"], "errors": m["error"],
        "domain": p["domain"], "adkim": word(p["adkim"]), "aspf": word(p["aspf"]), "p": word(p["p"]), "sp": word(p["sp"]),
        "testing": p["testing"], "fo": p["fo"], "rows": sorted(their_row(r) for r in t["record"])})


def ours(o):
    p = o["policy"]
    return clean({
        "version": float(o.get("version", 0)), "org": o["org"], "email": o.get("email"), "contact": o.get("contact"),
        "report_id": o["report_id"], "begin": o["begin"], "end": o["end"], "errors": o.get("errors"),
        "domain": o["domain"], "adkim": p.get("adkim"), "aspf": p.get("aspf"), "p": p.get("p"), "sp": p.get("sp"),
        "testing": p.get("testing") == "y", "fo": p.get("fo"),
        "rows": sorted(json.dumps({k: v for k, v in r.items()}, sort_keys=True) for r in o["rows"])})


def tls_theirs(t):
    def failure(f):
        return clean({k.replace("-", "_"): v for k, v in f.items() if k != "failed-session-count"} | {"count": f["failed-session-count"]})

    return {
        "org": t["organization-name"], "report_id": t["report-id"], "contact": t["contact-info"],
        "policies": [{"policy_type": p["policy"]["policy-type"], "policy_string": p["policy"].get("policy-string", []),
                      "mx_host": p["policy"].get("mx-host", []), "succeeded": p["summary"]["total-successful-session-count"],
                      "failed": p["summary"].get("total-failure-session-count", 0),
                      "failures": [failure(f) for f in p.get("failure-details", [])]} for p in t["policies"]],
        "domain": t["policies"][0]["policy"].get("policy-domain"),
        "period": [t["date-range"]["start-datetime"], t["date-range"]["end-datetime"]]}


def tls_ours(o):
    import datetime
    def iso(n):
        return datetime.datetime.fromtimestamp(n, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"org": o["org"], "report_id": o["report_id"], "contact": o["contact"],
            "policies": [{"policy_string": [], "mx_host": [], **p} for p in o["policies"]], "domain": o["domain"], "period": [iso(o["begin"]), iso(o["end"])]}


def addresses(v):
    """An address is written in one way by us (RFC 5952), in theirs as it came."""
    import ipaddress
    if isinstance(v, dict):
        return {k: addresses(x) for k, x in v.items()}
    if isinstance(v, list):
        return [addresses(x) for x in v]
    if isinstance(v, str) and ":" in v and len(v) < 46:
        try:
            return str(ipaddress.ip_address(v))
        except ValueError:
            return v
    return v


def compare(name, args, path, expected, shape, own):
    global failed, compared
    code, out = weir(args, path)
    if name in differences and differences[name][0] == "refused":
        if code != 65:
            failed += 1
            print(f"{name}: not refused any more: take it out of the differences")
        return
    if code != 0:
        failed += 1
        print(f"{name}: status {code}")
        return
    with open(expected, encoding="utf-8") as f:
        want, got = addresses(shape(json.load(f))), addresses(own(json.loads(out)))
    compared += 1
    if name in differences:
        if want == got:
            failed += 1
            print(f"{name}: no different any more: take it out of the differences")
        differences[name][0](want)
    if want != got:
        failed += 1
        for k in want.keys() | got.keys():
            if want.get(k) != got.get(k):
                print(f"{name}: {k}\n  expected {want.get(k)}\n  got      {got.get(k)}")


for path in sorted(glob.glob(suite + "/dmarc-feedback/*.xml") + glob.glob(suite + "/dmarc-feedback/*.eml")):
    compare("dmarc-feedback/" + os.path.basename(path), ["dmarc"] + (["--report"] if path.endswith("xml") else []), path,
            path[:-3] + "json", theirs, ours)
for path in sorted(glob.glob(suite + "/tlsrpt/*.json")):
    compare("tlsrpt/" + os.path.basename(path), ["tlsrpt", "--report"], path, path, tls_theirs, tls_ours)
for path in sorted(glob.glob(suite + "/tlsrpt/*.eml")):
    compare("tlsrpt/" + os.path.basename(path), ["tlsrpt"], path, path[:-3] + "json", tls_theirs, tls_ours)
print(f"{compared} compared, {len(differences)} differ on purpose, {failed} failed")
sys.exit(1 if failed or compared < 14 else 0)
