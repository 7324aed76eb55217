"""Check an Attestry bundle offline: this one file and Python 3.11 or newer, nothing else.

    python3 attestry_verify.py BUNDLE.zip [--key VKEY_OR_FILE]
Its checks have the numbers, names and verdicts of `python -m evidence verify`, which makes more. Get this file and VKEY
by another way than the bundle. Exit 0: all holds, by the key given; 1: not so; 2: no bundle; 3: holds, signer unknown.
"""
import argparse, base64, bisect, datetime, functools, hashlib, json, pathlib, re, struct, sys, zlib
P, L, I = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, pow(2, (2**255 - 20) // 4, 2**255 - 19)
D = -121665 * pow(121666, -1, P) % P  # Ed25519: RFC 8032, 5.1
LOCAL, CENTRAL, END = (struct.Struct(form) for form in ("<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"))
META = ["manifest.json", "META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s", "manifest.note"]
TWINS = "decisions|drift|excluded|leavers|population|requests"
ALLOWED = (rf"report\.pdf|README-VERIFY\.txt|data/(({TWINS})\.(jsonl|csv)|(disclosures|ledger|sources)\.jsonl)"
           r"|policy/[0-9a-f]{64}\.(yaml|json)|oscal/assessment-results\.json|log/(checkpoint|proof|consistency|rows)"
           r"|log/samples/[A-Za-z0-9_-]{1,100}\.tlog-proof|trust/[A-Za-z0-9_-]{1,60}\.[a-z0-9]{1,10}")
REQUIRED = {f"data/{name}.{kind}" for name in TWINS.split("|") for kind in ("jsonl", "csv")} | {
    "log/checkpoint", "log/proof", "log/rows", "report.pdf", "README-VERIFY.txt", "trust/signer.vkey", "trust/ca.pem",
    "data/ledger.jsonl", "data/sources.jsonl"}
TYPES = {"csv": "text/csv", "pem": "application/x-pem-file", **{k: f"application/{k}" for k in ("json", "jsonl", "pdf", "yaml")},
         **dict.fromkeys(("txt", "tlog-proof", "log/checkpoint", "log/proof", "log/consistency"), "text/plain")}
FILE = re.compile(rf'{{"bytes":\d+,"media_type":"[^"]+","path":"({ALLOWED})","records":(null|\d+),"sha256":"[0-9a-f]{{64}}"}}')
KEYS = "controls counts created_at files format id kind ledger period report scope supersedes"
NEEDS = {"container": "", "checksums": "container", "signer": "container", "manifest signature": "signer",
         "manifest": "container", "members": "manifest", "file digests": "members", "rows": "members", "counts": "",
         "tables": "", "ledger entries": "members", "checkpoint": "members,signer", "consistency": "", "sampled proofs": "",
         "disclosures": "", "policies": "", "report": "", "report signature": "", "container signature": ""}
MIMETYPE, SEEN, FULL = b"application/vnd.etsi.asic-e+zip", "trust/witnesses.vkeys", "python -m evidence verify BUNDLE.zip --key VKEY"
LINE = re.compile("\u2014 ([!-*,-~]{1,200}) ([A-Za-z0-9+/=]{1,400})\n")
def need(holds, words):
    if not holds: raise ValueError(words)
def sha(data): return hashlib.sha256(data).digest()
def b64(text, size):
    found = base64.b64decode(text, validate=True)
    need(len(found) == size and base64.b64encode(found).decode() == text, "not base64 in its one form")
    return found
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P
def times(factor, p):
    q = (0, 1, 1, 0)
    for bit in f"{factor:b}": q = add(add(q, q), p) if bit == "1" else add(q, q)
    return q
def point(raw):
    y = int.from_bytes(raw, "little") % 2**255 % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    found = pow(square, (P + 3) // 8, P)
    x = next(x for x in (found, found * I % P) if (x * x - square) % P == 0)
    x = x if x & 1 == raw[31] >> 7 else P - x
    return x, y, 1, x * y % P
@functools.cache
def signed(public, message, signature):
    a, b, s = point(public), point(b"\x58" + b"\x66" * 31), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    x, y, z, _ = add(times(s, b), times(h, (P - a[0], a[1], 1, P - a[3])))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    return s < L and (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]
def vkey(text, kind=1):  # c2sp.org/signed-note; kind 4: c2sp.org/tlog-cosignature; its name, id, type and key
    name, _, rest = text.partition("+")
    key = name, sha(name.encode("ascii") + b"\n" + b64(rest[9:], 33))[:4], b64(rest[9:], 33)
    need(key[2][0] == kind and rest[:9] == key[1].hex() + "+" and LINE.match(f"\u2014 {name} a\n"), "not a verifier key")
    return key
def opened(note, keys):
    text, _, tail = note.decode("utf-8", "replace").rpartition("\n\n\u2014 ")
    text, found, seen = text + "\n", LINE.findall("\u2014 " + tail), []
    again = text + "\n" + "".join(f"\u2014 {name} {blob}\n" for name, blob in found)
    need(again.encode() == note and not re.search("[\0-\t\v-\x1f\x7f]|\n\n\u2014", text) and len(note) <= 1 << 20,
         "not a signed note in its one form")
    for name, encoded in found:  # 4 bytes of key id, of a witness 8 of its time, 64 of signature
        kind, blob = (4, b64(encoded, 76)) if len(encoded) == 104 else (1, b64(encoded, 68))
        time = b"cosignature/v1\ntime %d\n" % int.from_bytes(blob[4:12]) if kind == 4 else b""
        key = next((each for each in keys if (*each[:2], each[2][0]) == (name, blob[:4], kind)), None)
        need(key and key not in seen and signed(key[2][1:], time + text.encode(), blob[-64:]),
             f"the signature of {name} does not hold, or is of a key that does not count here ({blob[:4].hex()})")
        seen.append(key)
    need(any(key[2][0] == 1 for key in seen), "no key of the log signed it")
    return text
def root(hashes):  # RFC 6962, 2.1
    while len(hashes) > 1: hashes = [sha(b"\1" + a + b) for a, b in zip(hashes[::2], hashes[1::2])] + hashes[len(hashes) & ~1:]
    return hashes[0] if hashes else sha(b"")
def fold(start, end, told, leaves, nodes):
    low, high, level = bisect.bisect_left(told, start), bisect.bisect_left(told, end), (end - start - 1).bit_length()
    if high - low == end - start: return root(leaves[low:high])
    if low == high:
        line = nodes.pop(0) if nodes else ""
        need(line.startswith(f"{level} {start >> level} "), "log/proof: a hash is missing, unused or misplaced")
        return b64(line.split(" ", 2)[2], 32)
    left = fold(start, start + (1 << level - 1), told, leaves, nodes)
    return sha(b"\1" + left + fold(start + (1 << level - 1), end, told, leaves, nodes))
def integer(text): return int(text if abs(int(text)) <= 2**53 else "beyond 2^53")
class Bundle:
    def __init__(self, data, keys): self.data, self.keys, self.members, self.own = data, keys, {}, ""
    def view(self, path):
        need(path in self.members, f"{path} is missing")
        return self.data[self.members[path][0]:sum(self.members[path][:2])]
    def lines(self, path):
        need(bytes(self.view(path)[-1:]) in (b"", b"\n"), f"{path}: its last line is cut off")
        return bytes(self.view(path)).split(b"\n")[:-1]
    def container(self):  # stored members in their one form: there is nothing to unfold
        at, table = 0, []
        while self.data[at:at + 4] == b"PK\3\4" and len(table) < 10_000:
            crc, size, _, length, _ = LOCAL.unpack(self.data[at:at + 30])[6:]
            start, fields = at + 30 + length, (0, 0, 0, 33, crc, size, size, length)
            name = str(self.data[at + 30:start], "ascii")
            need(self.data[at:start] == LOCAL.pack(b"PK\3\4", 20, *fields, 0) + name.encode() and name.isprintable()
                 and name not in self.members, f"{name!a}: its header is not as it must be, or it comes twice")
            table.append(CENTRAL.pack(b"PK\1\2", 788, 20, *fields, 0, 0, 0, 0, 0o100644 << 16, at) + name.encode())
            self.members[name], at = (start, size, crc), start + size
        table.append(END.pack(b"PK\5\6", 0, 0, len(table), len(table), sum(map(len, table)), at, 0))
        need(self.data[at:] == b"".join(table), "not in the one form of a bundle: cut off, or added to")
        need([*self.members][:1] == ["mimetype"] and self.view("mimetype") == MIMETYPE, "mimetype must come first")
    def checksums(self):
        for name, (_, _, crc) in self.members.items(): need(zlib.crc32(self.view(name)) == crc, f"{name} was damaged")
    def signer(self):
        self.own = str(self.view("trust/signer.vkey"), "ascii")
        self.keys = self.keys or [vkey(self.own[:-1])]
        need(self.own[-1] == "\n" and vkey(self.own[:-1]) in self.keys, f"not signed by the key given, but by {self.own}")
    def manifest_signature(self):
        sums = "".join(f"{sha(self.view(path)).hex()}  {path}\n" for path in sorted(META[:3]))
        need(opened(bytes(self.view(META[3])), self.keys) == f"attestry-manifest/1\n{sums}",
             "manifest.note signs other bytes than those of manifest.json and META-INF/")
    def manifest(self):  # RFC 8785, integers only
        text = bytes(self.view("manifest.json"))
        told = self.told = json.loads(text, parse_float=int, parse_constant=int, parse_int=integer)
        again = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        need(again == text and " ".join(sorted(told)) == KEYS and told["format"] == "attestry-bundle/1"
             and [*map(type, map(told.get, ("controls", "id", "kind", "period", "scope")))] == [list, str, str, dict, dict]
             and isinstance(told["supersedes"], str | None) and isinstance(told["ledger"]["origin"], str) and told["ledger"].keys() == {"origin", "size", "root"} and told["report"].keys() == {"unsigned_sha256"}
             and datetime.datetime.fromisoformat(told["created_at"]).tzinfo, "manifest.json is not of this format")
        for each in told["files"]:
            path, form = each["path"], json.dumps(each, sort_keys=True, separators=(",", ":"))
            need(FILE.fullmatch(form) and (each["records"] is None) != path.startswith("data/") and each["media_type"]
                 == TYPES.get(path.rpartition(".")[2], "application/octet-stream"), f"{path!a} has no place in a bundle")
        self.files, counts = {each["path"]: each for each in told["files"]}, [told["ledger"]["size"], *told["counts"].values()]
        need(all(type(n) is int and n >= 0 for n in counts) and self.files.keys() >= REQUIRED
             and sorted(self.files) == [each["path"] for each in told["files"]]
             and re.fullmatch("[0-9a-f]{128}", told["ledger"]["root"] + told["report"]["unsigned_sha256"]),
             "manifest.json: a count or digest is malformed, or its files are not all listed and in order")
    def listed(self):
        odd = ", ".join(sorted({"mimetype", *self.files, *META} ^ set(self.members))[:5])
        need([*self.members] == ["mimetype", *self.files, *META], f"missing, not listed or not in their order: {odd}")
    def file_digests(self):
        told = {path: (each["sha256"], each["bytes"]) for path, each in self.files.items()}
        self.odd = [path for path in told if (sha(self.view(path)).hex(), len(self.view(path))) != told[path]]
        need(not self.odd, f"altered: {', '.join(self.odd[:5])}")
    def rows(self):
        digests, at = bytes(self.view("log/rows")), 0
        if not self.odd: return "not_checked", "no row needs to be named: every file has its digest"
        for path in (path for path in self.files if path.endswith(".jsonl")):
            size, found = 8 * self.files[path]["records"], b"".join([sha(line)[:8] for line in self.lines(path)])
            wanted, at = digests[at:at + size], at + size
            row = next((n for n in range(0, len(found), 8) if found[n:n + 8] != wanted[n:n + 8]), len(found)) // 8 + 1
            need(found == wanted, f"{path}: row {row} is not the one that was there")
        need(at == len(digests), "log/rows is for another number of rows")
    def ledger_entries(self):
        leaves, told = [sha(b"\0" + line) for line in self.lines("data/ledger.jsonl")], []
        first, size, places, *nodes, last = str(self.view("log/proof"), "ascii").split("\n")
        for part in places.split(",") if places else []:
            low, high = int(part.partition("-")[0]), int(part.rpartition("-")[2])
            need(part == (f"{low}-{high}" if low < high else f"{low}") and low > (told[-1] + 1 if told else -1)
                 and high - low < len(leaves) - len(told), "log/proof is not for the entries there are")
            told += range(low, high + 1)
        need((first, size, last, len(told)) == ("attestry-multiproof/1", str(self.told["ledger"]["size"]), "", len(leaves))
             and (told or [-1])[-1] < int(size), "log/proof is not for the entries there are, or of another log")
        found = fold(0, int(size), told, leaves, nodes).hex() if int(size) else sha(b"").hex()
        need(found == self.told["ledger"]["root"] and not nodes, "the entries do not lead to the log's root")
    def checkpoint(self):  # c2sp.org/tlog-checkpoint
        keys = self.keys + [vkey(str(line, "ascii"), 4) for line in (self.lines(SEEN) if SEEN in self.members else [])]
        head, text = self.told["ledger"], opened(bytes(self.view("log/checkpoint")), keys)
        told = f"{head['origin']}\n{head['size']}\n{base64.b64encode(bytes.fromhex(head['root'])).decode()}\n"
        need(text == told and head["origin"] in [k[0] for k in self.keys], "not the head the manifest tells of")
def check(data, keys):  # number, name, passed / failed / not_checked, detail; the signer's key by the bundle's word
    bundle, report, passed = Bundle(data, keys), [], {""}
    for number, (name, needs) in enumerate(NEEDS.items(), 1):
        work = getattr(bundle, "listed" if name == "members" else name.replace(" ", "_"), None)
        status, detail = "not_checked", "it needs what failed" if work else f"not checked here: {FULL}"
        try:
            if work and passed.issuperset(needs.split(",")):
                (status, detail), passed = work() or ("passed", "holds"), passed | {name}
        except Exception as error:  # hostile bytes break a reader in many ways: each means that this does not hold
            status, detail = "failed", f"{error!s:.500}" if type(error) is ValueError else f"malformed ({error!r:.200})"
        report.append((number, name, status, detail))
    return report, bundle.own.rstrip("\n")
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--key", default="", help="the signer's VKEY, or a file of them, one a line")
    options = parser.parse_args()
    try:
        text = options.key if "+" in options.key or not options.key else pathlib.Path(options.key).read_text("ascii")
        keys, data = [vkey(line) for line in text.split("\n") if line], options.file.read_bytes()
        need(data[:4] == b"PK\3\4" and bool(keys) == bool(options.key), "not a bundle (which is a ZIP file), or no key")
    except (OSError, ValueError) as error: parser.error(f"{error}")
    report, own = check(memoryview(data), keys)
    code = 1 if any(each[2] == "failed" for each in report) else 0 if keys else 3
    told = [f"{n:2} {dict(passed='ok  ', failed='FAIL').get(s, '--  ')} {name}: {words}" for n, name, s, words in report]
    told += ["", {0: "Every check made here holds.", 1: "This bundle does NOT hold."}.get(code, f"Holds; is its signer's key {own}?")]
    print("".join(c if " " <= c <= "~" or c == "\n" else "?" for c in "\n".join(told)))
    sys.exit(code)
if __name__ == "__main__": main()
