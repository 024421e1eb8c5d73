"""Calls of aioipfs, one line of JSON for each: `aioipfs_calls.py PORT`."""

import asyncio
import json
import os
import sys
import tempfile

import aioipfs

own = ""


def plain(value):
    if isinstance(value, bytes):
        return f"hex:{value.hex()[:200]} {len(value)}"
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


async def step(name, call):
    value = None
    try:
        value = await asyncio.wait_for(call, 20)
        got = {"ok": plain(value)}
    except Exception as error:  # what it is, is the result
        words = getattr(error, "message", None) or str(error)
        got = {"error": words, "name": type(error).__name__}
    line = json.dumps({"step": name, "got": got}, sort_keys=True, default=str)
    if own:
        line = line.replace(own, "SELF")
    print(line, flush=True)
    return value


async def every(stream):
    return [item async for item in stream]


async def of(call, choose):
    return choose(await call)


async def main():
    global own
    client = aioipfs.AsyncIPFS(maddr=f"/ip4/127.0.0.1/tcp/{sys.argv[1]}")
    core = client.core
    own = (await core.id())["ID"]
    await step("id", of(core.id(), lambda id: sorted(id)))
    await step("version", of(core.version(), lambda v: v["Version"]))
    await step("agent", client.agent_version_get())
    await step("commands", of(core.commands(), lambda c: c["Name"]))
    hello = (await step("add_str", core.add_str("hello aio\n", name="hello")))["Hash"]
    await step("add_bytes", core.add_bytes(b"\x00\x01"))
    value = (await step("add_json", core.add_json({"b": 1})))["Hash"]
    await step("cat", core.cat(hello))
    await step("cat part", core.cat(hello, offset=2, length=3))
    await step("cat nonsense", core.cat("nonsense"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.makedirs("tree/sub")
        for name, text in [("tree/a", "a"), ("tree/sub/b", "b")]:
            with open(name, "w") as file:
                file.write(text)
        added = await step("add tree", every(core.add("tree", recursive=True)))
        await step("add options", every(core.add("tree/a", cid_version=1, raw_leaves=True, only_hash=True)))
        tree = added[-1]["Hash"]
        await step("ls", core.ls(tree))
        await step("ls stream", every(core.ls_streamed(tree)))
        await step("get", core.get(tree, dstdir="out"))
        await step("resolve", core.resolve(f"/ipfs/{tree}/sub"))
        await step("block put", client.block.put("tree/a"))
        await step("block get", client.block.get(hello))
        await step("block stat", client.block.stat(hello))
        await step("block rm", client.block.rm(value))
        with open("v.json", "w") as file:
            file.write('{"x":[1,2]}')
        await step("dag put", client.dag.put("v.json"))
        await step("dag get", client.dag.get(tree))
        await step("dag resolve", client.dag.resolve(f"{tree}/a"))
        await step("dag stat", every(client.dag.stat(tree, progress=False)))
        await step("dag export", client.dag.car_export(tree))
        await step("pin ls", of(client.pin.ls(pintype="recursive"), lambda p: len(p["Keys"]) > 2))
        await step("pin ls one", client.pin.ls(tree))
        await step("pin add", every(client.pin.add(hello)))
        await step("pin rm", client.pin.rm(hello))
        await step("pin rm again", client.pin.rm(hello))
        await step("pin verify", client.pin.verify())
        await step("pin update", client.pin.update(tree, value))
        await step("files mkdir", client.files.mkdir("/aio/d", parents=True))
        await step("files write", client.files.write("/aio/f", b"0123456789", create=True))
        await step("files read", client.files.read("/aio/f", offset=2, count=4))
        await step("files stat", client.files.stat("/aio/f"))
        await step("files ls", client.files.ls("/aio", long=True))
        await step("files cp", client.files.cp("/aio/f", "/aio/g"))
        await step("files mv", client.files.mv("/aio/g", "/aio/h"))
        await step("files flush", client.files.flush("/aio"))
        await step("files chcid", client.files.chcid("/aio", cidversion=1))
        await step("files rm", client.files.rm("/aio/h"))
        await step("files rm dir", client.files.rm("/aio"))
        await step("files rm all", client.files.rm("/aio", recursive=True))
        await step("key gen", of(client.key.gen("aio", type="ed25519", size=256), lambda k: k["Name"]))
        await step("key list", of(client.key.list(), lambda l: sorted(k["Name"] for k in l["Keys"])))
        await step("key rename", of(client.key.rename("aio", "aio2"), lambda k: k["Now"]))
        await step("name publish", of(client.name.publish(f"/ipfs/{hello}", key="aio2", allow_offline=True), lambda p: p["Value"]))
        await step("key rm", of(client.key.rm("aio2"), lambda l: [k["Name"] for k in l["Keys"]]))
        await step("name resolve", client.name.resolve("nonsense"))
        await step("refs", client.refs.refs(tree))
        await step("refs local", of(every(client.refs.local()), lambda r: len(r) > 3))
        await step("repo stat", of(client.repo.stat(), sorted))
        await step("repo gc", of(every(client.repo.gc()), lambda r: isinstance(r, list)))
        await step("repo verify", of(client.repo.verify(), lambda r: isinstance(r, dict)))
        await step("repo version", client.repo.version())
        await step("config", client.config.config("Datastore.GCPeriod"))
        await step("config set", client.config.config("Datastore.GCPeriod", value="2h"))
        await step("config show", of(client.config.show(), lambda c: type(c).__name__))
        await step("config profile", client.config.profile_apply("none"))
        await step("bootstrap list", client.bootstrap.list())
        await step("bitswap wantlist", client.bitswap.wantlist())
        await step("bitswap stat", of(client.bitswap.stat(), sorted))
        await step("swarm peers", client.swarm.peers())
        await step("swarm addrs", client.swarm.addrs())
        await step("swarm addrs local", of(client.swarm.addrs_local(), lambda a: len(a["Strings"]) > 0))
        await step("swarm connect", client.swarm.connect("/ip4/127.0.0.1/tcp/9"))
        await step("cid base32", client.cid.base32(hello))
        await step("cid format", client.cid.format(hello, version=1))
        await step("cid bases", of(client.cid.bases(), lambda b: len(b) > 10))
        await step("multibase list", of(client.multibase.list(), lambda b: len(b) > 10))
        await step("diag sys", of(client.diag.sys(), sorted))
        await step("log ls", of(client.log.ls(), lambda l: len(l["Strings"]) > 5))
        await step("log level", client.log.level("all", "error"))
        await step("stats bw", of(client.stats.bw(), sorted))
        await step("stats repo", of(client.stats.repo(), sorted))
        await step("object stat", client.object.stat(tree))
        await step("filestore ls", client.filestore.ls(hello))
        await step("p2p ls", client.p2p.listener_ls())
        await step("pubsub ls", client.pubsub.ls())
        os.chdir("/")
    await client.close()


asyncio.run(main())
