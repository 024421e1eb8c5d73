"""Calls of ipfshttpclient, one line of JSON for each: `httpclient_calls.py PORT`."""

import io
import json
import os
import sys
import tempfile

import ipfshttpclient

client = ipfshttpclient.Client(f"/ip4/127.0.0.1/tcp/{sys.argv[1]}/http", timeout=20)
own = ""


def plain(value):
    if isinstance(value, bytes):
        return f"hex:{value.hex()[:200]} {len(value)}"
    if isinstance(value, dict) or hasattr(value, "keys"):
        return {key: plain(value[key]) for key in sorted(value.keys())}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "as_json"):
        return plain(value.as_json())
    return value


def step(name, call):
    value = None
    try:
        value = call()
        got = {"ok": plain(value)}
    except Exception as error:  # what it is, is the result
        got = {"error": str(error), "name": type(error).__name__}
    line = json.dumps({"step": name, "got": got}, sort_keys=True, default=str)
    if own:
        line = line.replace(own, "SELF")
    print(line, flush=True)
    return value


own = client.id()["ID"]
step("version", lambda: client.version()["Version"])
step("id", lambda: sorted(client.id().keys()))
hello = step("add_str", lambda: client.add_str("hello python\n"))
step("add_bytes", lambda: client.add_bytes(b"\x00\x01"))
value = step("add_json", lambda: client.add_json({"b": 1, "a": [2]}))
step("get_json", lambda: client.get_json(value))
step("cat", lambda: client.cat(hello))
step("cat part", lambda: client.cat(hello, offset=2, length=3))
step("cat nonsense", lambda: client.cat("nonsense"))
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.makedirs("tree/sub")
    for name, text in [("tree/a", "a"), ("tree/sub/b", "b")]:
        with open(name, "w") as file:
            file.write(text)
    step("add file", lambda: client.add("tree/a"))
    step("add only hash", lambda: client.add("tree/a", only_hash=True))
    added = step("add tree", lambda: client.add("tree", recursive=True))
    step("add trickle", lambda: client.add("tree/a", trickle=True, raw_leaves=True, cid_version=1))
    tree = added[-1]["Hash"] if added else hello
    os.makedirs("out")
    step("get", lambda: client.get(tree, target="out"))
    step("got", lambda: sorted(os.path.relpath(os.path.join(d, f), "out") for d, _, fs in os.walk("out") for f in fs))
    step("ls", lambda: client.ls(tree))
    step("resolve", lambda: client.resolve(f"/ipfs/{tree}/sub"))
    step("block put", lambda: client.block.put(io.BytesIO(b"a block")))
    step("block get", lambda: client.block.get(hello))
    step("block stat", lambda: client.block.stat(hello))
    step("dag put", lambda: client.dag.put(io.BytesIO(b'{"x":[1,2]}')))
    step("dag get", lambda: client.dag.get(tree))
    step("dag resolve", lambda: client.dag.resolve(f"{tree}/a"))
    car = step("dag export", lambda: client.dag.export(tree))
    step("dag import", lambda: client.dag.imprt(io.BytesIO(car)))
    step("pin ls", lambda: len(client.pin.ls(type="recursive")["Keys"]) > 3)
    step("pin ls one", lambda: client.pin.ls(tree))
    step("pin add", lambda: client.pin.add(value))
    step("pin rm", lambda: client.pin.rm(value))
    step("pin rm again", lambda: client.pin.rm(value))
    step("pin update", lambda: client.pin.update(tree, value))
    step("pin verify", lambda: len(list(client.pin.verify(tree, verbose=True))) >= 0)
    step("files mkdir", lambda: client.files.mkdir("/py/d", parents=True))
    step("files write", lambda: client.files.write("/py/f", io.BytesIO(b"0123456789"), create=True))
    step("files read", lambda: client.files.read("/py/f", offset=2, count=4))
    step("files stat", lambda: client.files.stat("/py/f"))
    step("files ls", lambda: client.files.ls("/py"))
    step("files ls long", lambda: client.files.ls("/py", long=True) if "long" in client.files.ls.__doc__ else None)
    step("files cp", lambda: client.files.cp("/py/f", "/py/g"))
    step("files mv", lambda: client.files.mv("/py/g", "/py/h"))
    step("files rm", lambda: client.files.rm("/py/h"))
    step("files rm dir", lambda: client.files.rm("/py"))
    step("files rm all", lambda: client.files.rm("/py", recursive=True))
    step("object stat", lambda: client.object.stat(tree))
    step("object new", lambda: client.object.new())
    step("object links", lambda: client.object.links(tree))
    step("object patch add-link", lambda: client.object.patch.add_link(tree, "n", hello))
    step("object patch rm-link", lambda: client.object.patch.rm_link(tree, "a"))
    step("object diff", lambda: getattr(client.object, "diff", None) and client.object.diff(tree, tree))
    step("key gen", lambda: client.key.gen("py", "ed25519", size=256)["Name"])
    step("key list", lambda: sorted(key["Name"] for key in client.key.list()["Keys"]))
    step("key rename", lambda: client.key.rename("py", "py2")["Now"])
    step("name publish", lambda: client.name.publish(f"/ipfs/{hello}", key="py2", allow_offline=True)["Value"])
    step("key rm", lambda: [key["Name"] for key in client.key.rm("py2")["Keys"]])
    step("name resolve", lambda: client.name.resolve("nonsense"))
    step("repo stat", lambda: sorted(client.repo.stat().keys()))
    step("repo gc", lambda: isinstance(client.repo.gc(), list))
    step("config get", lambda: sorted(client.config.get().keys()))
    step("config set", lambda: client.config.set("Datastore.GCPeriod", "2h"))
    step("bootstrap list", lambda: client.bootstrap.list())
    step("bitswap wantlist", lambda: client.bitswap.wantlist())
    step("bitswap stat", lambda: sorted(client.bitswap.stat().keys()))
    step("swarm peers", lambda: client.swarm.peers())
    step("swarm addrs", lambda: client.swarm.addrs())
    step("swarm connect", lambda: client.swarm.connect("/ip4/127.0.0.1/tcp/9"))
    step("unstable refs local", lambda: len(list(client.unstable.refs.local())) > 3)
    step("unstable log ls", lambda: len(client.unstable.log.ls()["Strings"]) > 5)
    step("unstable log level", lambda: client.unstable.log.level("all", "error"))
    step("pubsub ls", lambda: client.pubsub.ls())
    os.chdir("/")
client.close()
