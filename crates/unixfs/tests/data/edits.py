#!/usr/bin/env python3
"""Makes random cases of changed directories and files, for tests/it/edit_kubo.rs.

With what Kubo's libraries make of them, they are the lines of edits.jsonl:

    (cd interop/kubo && go build -mod=mod -o /tmp/edits ./edits)
    edits.py 1 60 150 | /tmp/edits > edits.jsonl

Larger numbers go into a file that BASALT_EDIT_CASES names when the test runs.
"""
import json, random, sys

seed, dirs, files = map(int, sys.argv[1:])
r = random.Random(seed)


def name(n):
    return "x" * (n % 7) + str(n)


def directory():
    c = dict(kind="dir", v1=r.random() < .3, fanout=r.choice([8, 16, 256, 1024]),
             threshold=r.choice([0, 100, 500, 1000, 2000]), max_links=r.choice([0, 0, 3, 30]),
             estimation=r.choice(["links", "block", "disabled"]))
    ops = []
    pool = [r.randrange(256) for _ in range(r.choice([5, 20, 60]))]
    for _ in range(r.choice([10, 40, 120])):
        k = r.random()
        if k < .85:
            # It grows for a while, and shrinks for another.
            if r.random() < (.6 if len(ops) % 50 < 30 else .25):
                ops.append(dict(op="put", name=name(r.choice(pool)), child=r.randrange(4)))
            else:
                ops.append(dict(op="rm", name=name(r.choice(pool))))
        elif k < .93:
            ops.append(dict(op="reopen"))
        elif k < .95:
            ops.append(dict(op="v1"))
        elif k < .98:
            ops.append(dict(op="mode", mode=r.choice([0, 0o644, 0o700])))
        else:
            ops.append(dict(op="mtime", secs=r.choice([1, 1700000000])))
    return {**c, "ops": ops}


def file():
    chunk = r.choice([1, 5, 16, 64, 300])
    links = r.choice([2, 3, 4, 10, 174])
    c = dict(kind="file", v1=r.random() < .5, chunk=chunk, links=links, build=r.choice(["empty", "balanced", "balanced", "trickle", "raw"]))
    c["len"] = 0 if c["build"] == "empty" else r.choice([0, 1, chunk, chunk * links, r.randrange(1, chunk * 60 + 2)])
    if c["build"] == "raw":
        c["len"] = max(1, c["len"] % 500)
        if c["len"] <= 100 and links == 174 and r.random() < .6: c["inline"] = True
    elif c["build"] != "empty":
        c["raw"] = r.random() < .5
        if r.random() < .3: c["secs"] = 1600000000
    if r.random() < .4: c["raw_mod"] = r.random() < .5
    confined = c["build"] == "balanced" and not c.get("raw") and c["len"] <= chunk and c["len"] > 0
    size = c["len"]
    ops, pos = [], 0
    for _ in range(r.choice([1, 2, 4, 8, 16])):
        k = r.random()
        if k < .5:
            off = r.choice([0, size, r.randrange(0, size + 1), size + r.choice([1, 100, 5000]) if r.random() < .3 else size])
            n = r.choice([1, chunk, chunk * 3 + 1, r.randrange(1, 40), r.randrange(1, chunk * 20 + 2)])
            if confined:
                off = min(off, size); n = min(n, size - off)
            ops.append(dict(op="write", offset=off, len=n, seed=r.randrange(1, 100)))
            pos = off + n; size = max(size, pos)
        elif k < .6 and not confined:
            n = r.randrange(1, chunk * 3 + 2)
            ops.append(dict(op="more", len=n, seed=r.randrange(1, 100)))
            pos += n; size = max(size, pos)
        elif k < .75:
            t = r.choice([0, size, r.randrange(0, size + 1), (size // chunk) * chunk, r.randrange(0, size + 1) // chunk * chunk, size + r.choice([0, 1, 4096, 20000])])
            if confined: t = min(t, size)
            ops.append(dict(op="truncate", offset=t)); size = t
            # where "more" would go on is not asked: seek first
            ops.append(dict(op="write", offset=t, len=0, seed=1)); pos = t
        elif k < .9: ops.append(dict(op="flush"))
        else:
            ops.append(dict(op="reopen")); ops.append(dict(op="write", offset=size, len=0, seed=1)); pos = size
    ops.append(dict(op="flush"))
    c["ops"] = ops
    return c


for make, count in [(directory, dirs), (file, files)]:
    for _ in range(count):
        print(json.dumps(make()))
