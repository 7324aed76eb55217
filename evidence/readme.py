"""The text that tells an auditor how to check a bundle with common tools."""

from typing import Final

README: Final = """\
How to check this bundle: id {id}

1. With the verifier, which is published apart from any bundle (never run one found in a bundle):

       python -m evidence verify BUNDLE.zip --key VKEY

   VKEY is the signer's key. Ask for it by another way than you got this file: its copy here,
   trust/signer.vkey, proves nothing by itself. Exit 0: every check holds.

2. With common tools:

       unzip -t BUNDLE.zip
       unzip BUNDLE.zip -d bundle && cd bundle
       sed -n '2,/^$/p' manifest.note | sed '/^$/d' | sha256sum -c
       python3 -c 'import json; [print(f["sha256"], "", f["path"]) \\
         for f in json.load(open("manifest.json"))["files"]]' | sha256sum -c
       openssl cms -verify -binary -inform DER -in META-INF/signature001.p7s \\
         -content META-INF/ASiCManifest001.xml -CAfile trust/ca.pem -purpose any -out /dev/null
       pdfsig report.pdf

   pdfsig must say "Total document signed". The first line of sums covers manifest.json and the
   signature, the second one every other file. manifest.note is a signed note
   (c2sp.org/signed-note, Ed25519); data/ledger.jsonl leads to the root in log/checkpoint as
   RFC 6962 says: a leaf is SHA-256 of a zero byte and the line without its LF.

The time in the signatures is the signer's own word, unless an authority stamped them: then
trust/tsa.pem is there, and `openssl cms -verify` and `pdfsig` tell of its time-stamp.
Data files: JSONL counts; the CSV twin has the same rows in the same order, and an apostrophe
before a cell that a spreadsheet would run.
"""
