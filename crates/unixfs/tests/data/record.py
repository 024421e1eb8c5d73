#!/usr/bin/env python3
"""Records what a real Kubo answers to `add`, for tests/it/kubo.rs.

Usage: record.py path/to/ipfs > kubo.json
The content of files is made by formula, here and in the tests: see content().
"""
import itertools, json, os, subprocess, sys, tempfile, time, urllib.parse, urllib.request

IPFS = sys.argv[1]
BIG = {}


def content(n):
    """The first n bytes of the multiples of the golden ratio, as little-endian u64."""
    whole = BIG.get("data", b"")
    if len(whole) < n:
        import array
        golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
        words = array.array("Q", ((i * golden) & mask for i in range(1, n // 8 + 2)))
        whole = BIG["data"] = words.tobytes()
    return whole[:n]


class Daemon:
    def __init__(self, estimation):
        self.repo = tempfile.mkdtemp(prefix="unixfs-record-")
        env = {**os.environ, "IPFS_PATH": self.repo}
        run = lambda *args: subprocess.run([IPFS, *args], env=env, check=True, stdout=subprocess.DEVNULL)
        run("init", "--profile=test,randomports", "--empty-repo")
        run("config", "Import.UnixFSHAMTDirectorySizeEstimation", estimation)
        run("config", "--json", "Addresses.API", '"/ip4/127.0.0.1/tcp/0"')
        self.process = subprocess.Popen([IPFS, "daemon", "--offline"], env=env, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "RPC API server listening on" in line:
                self.port = line.strip().split("/")[-1]
            if "Daemon is ready" in line:
                return

    def add(self, parts, options):
        boundary = "----------------basalt"
        body = b""
        for name, kind, data in parts:
            body += (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; '
                     f'filename="{urllib.parse.quote(name, safe="")}"\r\nContent-Type: {kind}\r\n\r\n').encode()
            body += data + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        query = urllib.parse.urlencode({"pin": "false", **options})
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v0/add?{query}", data=body, method="POST",
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        try:
            with urllib.request.urlopen(request) as answer:
                lines = answer.read().decode().splitlines()
                error = answer.headers.get("X-Stream-Error")
        except urllib.error.HTTPError as e:
            return {"error": json.loads(e.read())["Message"]}
        events = [json.loads(line) for line in lines]
        if any("Message" in e for e in events) or error:
            return {"error": error or [e["Message"] for e in events if "Message" in e][0]}
        return {"events": [[e.get("Name", ""), e["Hash"], int(e["Size"])] for e in events if e.get("Hash")]}

    def get(self, cid):
        """The tar archive, each block in hex without its trailing zeros."""
        url = f"http://127.0.0.1:{self.port}/api/v0/get?arg={cid}&archive=true"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
            tar = answer.read()
        assert len(tar) % 512 == 0
        return [tar[at:at + 512].rstrip(b"\0").hex() for at in range(0, len(tar), 512)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def file_cases():
    default = [0, 1, 13, 262143, 262144, 262145, 524288, 524289, 1 << 20, 45613056, 45613057]
    for n in default:
        yield n, {}
        yield n, {"cid-version": 1}
    for n in [0, 1, 9, 10, 11, 20, 1740, 1741, 3480, 17401, 302760, 302761]:
        small = {"chunker": "size-10"}
        for extra in [{}, {"raw-leaves": "true"}, {"trickle": "true"}, {"trickle": "true", "cid-version": 1}]:
            yield n, {**small, **extra}
    for links in [2, 3, 5, 1024]:
        for n in [1, 5, 6, 7, 18, 19, 100, 1000, 3333]:
            for extra in [{}, {"trickle": "true"}, {"raw-leaves": "true"}]:
                yield n, {"chunker": "size-1", "max-file-links": links, **extra}
    for n in [10, 11]:
        yield n, {"chunker": "size-10", "max-file-links": 1, "trickle": "true"}
    for n in [1024, 1025, 1048577]:
        yield n, {"chunker": "size-1", "max-file-links": 1024, "cid-version": 1}
    for name in ["sha3-256", "blake3", "blake2b-256", "sha2-512", "sha1"]:
        yield 1000, {"hash": name, "chunker": "size-100"}
        yield 50, {"hash": name}
    for limit in [0, 8, 32, 128]:
        for n in [0, 1, 7, 8, 9, 24, 25, 26, 31, 32, 33, 120, 121, 122, 127, 128, 129, 300]:
            inline = {"inline": "true", "inline-limit": limit}
            yield n, inline
            yield n, {**inline, "cid-version": 1}
            yield n, {**inline, "chunker": "size-20", "raw-leaves": "true"}
    stats = [{"mode": 0o644}, {"mode": 0o7777}, {"mtime": 1234567890}, {"mtime": -7}, {"mtime": 5, "mtime-nsecs": 7},
             {"mode": 0o600, "mtime": 1700000000, "mtime-nsecs": 999999999}]
    for stat, n in itertools.product(stats, [0, 5, 10, 25]):
        yield n, {"chunker": "size-10", **stat}
        yield n, {"chunker": "size-10", "trickle": "true", "cid-version": 1, **stat}
    for chunker in ["rabin", "buzhash", "rabin-16-32-64", "rabin-1000", "size-2096896"]:
        yield 3 << 20 if "16" not in chunker else 30000, {"chunker": chunker}
    yield 30000, {"chunker": "size-1000", "inline": "true", "inline-limit": 16, "trickle": "true"}


def generated(spec):
    """Entries made by formula: names of a length, the first one longer by `extra`."""
    for i in range(spec["n"]):
        name = f"entry-{i:06d}-"
        length = spec["name_len"] + (spec.get("extra", 0) if i == 0 else 0)
        name = (name + "x" * length)[:length]
        if spec.get("kind") == "dir":
            yield f"{name}/f", "file", i % 5
        else:
            yield name, "file", i % spec.get("sizes", 3)


def entries(spec):
    if "entries" in spec:
        return [tuple(e) for e in spec["entries"]]
    return list(generated(spec))


def parts(spec, wrap_name="d"):
    out, seen = [(wrap_name, "application/x-directory", b"")], set()
    for path, kind, value in entries(spec):
        above = path.split("/")[:-1] if kind != "dir" else path.split("/")
        for depth in range(1, len(above) + 1):
            directory = "/".join(above[:depth])
            if directory not in seen:
                seen.add(directory)
                out.append((f"{wrap_name}/{directory}", "application/x-directory", b""))
        if kind == "file":
            out.append((f"{wrap_name}/{path}", "application/octet-stream", content(value)))
        elif kind == "symlink":
            out.append((f"{wrap_name}/{path}", "application/symlink", value.encode()))
    return out


TREE = {"entries": [["b", "file", 5], ["a/z", "file", 0], ["a/y/x", "file", 100], ["a/y/link", "symlink", "../z"],
                    ["empty", "dir", 0], ["hollow/empty", "dir", 0], ["A", "file", 3], ["é", "file", 2]]}


def tree_cases(estimation):
    gen = lambda n, name_len, **more: {"n": n, "name_len": name_len, **more}
    if estimation == "links":
        for extra in [{}, {"cid-version": 1}, {"mode": 0o755}, {"mtime": 99}, {"mode": 0o700, "mtime": -1, "mtime-nsecs": 5},
                      {"empty-dirs": "false"}, {"inline": "true"}, {"inline": "true", "inline-limit": 128, "cid-version": 1},
                      {"hash": "blake3"}, {"max-directory-links": 2}, {"max-directory-links": 6, "cid-version": 1},
                      {"max-directory-links": 1, "max-hamt-fanout": 8}, {"max-directory-links": 2, "mode": 0o750, "mtime": 77},
                      {"max-directory-links": 2, "max-hamt-fanout": 1024}, {"max-directory-links": 2, "max-hamt-fanout": 7}]:
            yield TREE, extra
        yield {"entries": []}, {}
        yield {"entries": []}, {"empty-dirs": "false", "mode": 0o711}
        for n in [1, 2, 3, 10, 100, 1000]:
            for fanout in [8, 16, 64, 256, 1024]:
                yield gen(n, 14), {"max-directory-links": 1 if n > 1 else 0, "max-hamt-fanout": fanout}
        for n, name_len, more in [(4095, 30, {}), (4096, 30, {}), (4096, 30, {"extra": 1}), (4097, 30, {}), (10000, 30, {})]:
            yield gen(n, name_len, **more), {}
        for n, more in [(4096, {}), (4096, {"extra": 1}), (4097, {})]:
            yield gen(n, 28, **more), {"cid-version": 1}
        yield gen(6000, 40, kind="dir"), {}
        yield gen(300, 14, kind="dir"), {"max-directory-links": 20}
    elif estimation == "block":
        for n, more in [(3640, {}), (3640, {"extra": 59}), (3640, {"extra": 60}), (3640, {"extra": 61}), (3641, {})]:
            yield gen(n, 30, sizes=1, **more), {}
        yield gen(3640, 30, sizes=1, extra=57), {"mode": 0o755}
        yield gen(3640, 30, sizes=1, extra=58), {"mode": 0o755}
        yield gen(3640, 30, sizes=1, extra=50), {"mtime": 1700000000}
        yield gen(3640, 30, sizes=1, extra=40), {"mtime": 1700000000, "mtime-nsecs": 5}
        yield gen(5000, 30, kind="dir"), {"cid-version": 1}
        yield TREE, {"max-directory-links": 2}
    else:
        yield gen(4097, 30), {}
        yield gen(4097, 30), {"max-directory-links": 4096}
        yield gen(4096, 30), {"max-directory-links": 4096}
        yield gen(10000, 30), {"max-directory-links": 5}


LONG = "/".join(["d" * 30] * 4)
TAR = {"entries": [["b", "file", 5], ["a/y/x", "file", 600], ["a/link", "symlink", "../z"], ["empty", "dir", 0],
                   ["é", "file", 2], ["l" * 100, "file", 512], ["m" * 101, "file", 0], [f"{LONG}/f", "file", 1],
                   [f"{LONG}/{LONG}/f", "file", 1], ["long", "symlink", "t" * 101], ["ünlink", "symlink", "zü"]]}


def tar_cases():
    yield TAR, {"mtime": 1700000000}
    yield TAR, {"mtime": 1700000000, "mtime-nsecs": 500000000, "mode": 0o751}
    yield TAR, {"mtime": -5, "cid-version": 1}
    yield TAR, {"mtime": 1 << 33, "max-directory-links": 2, "max-hamt-fanout": 8}


def main():
    files, trees, tars = [], [], []
    for estimation in ["links", "block", "disabled"]:
        daemon = Daemon(estimation)
        try:
            if estimation == "links":
                for n, options in file_cases():
                    print(n, options, file=sys.stderr)
                    parts_of_one = [("f", "application/octet-stream", content(n))]
                    answer = daemon.add(parts_of_one, {**options, "only-hash": "true"})
                    files.append({"len": n, "options": options, **answer})
            for spec, options in tree_cases(estimation):
                print(spec, options, file=sys.stderr)
                answer = daemon.add(parts(spec), options)
                if "events" in answer:
                    # Of large directories only the directories themselves are kept.
                    if len(answer["events"]) > 50:
                        answer["events"] = answer["events"][-3:]
                trees.append({"estimation": estimation, "tree": spec, "options": options, **answer})
            for spec, options in tar_cases() if estimation == "links" else []:
                root = daemon.add(parts(spec), options)["events"][-1][1]
                tars.append({"estimation": estimation, "tree": spec, "options": options, "root": root, "tar": daemon.get(root)})
        finally:
            daemon.stop()
    line = lambda case: "  " + json.dumps(case, ensure_ascii=False)
    print('{"files": [\n' + ",\n".join(map(line, files)) + '\n],\n"trees": [\n' + ",\n".join(map(line, trees))
          + '\n],\n"tars": [\n' + ",\n".join(map(line, tars)) + "\n]}")


main()
