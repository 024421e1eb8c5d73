"""Runs the calls of each client on Kubo and on Basalt and compares what they got, call by call.

Differences that are meant stand in known.json: client, call, reason. A difference that is listed there
and is none any more counts as failed, so that the list stays true.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent


class Node:
    """A repository of its own and its daemon."""

    def __init__(self, binary, folder):
        self.binary = str(pathlib.Path(binary).absolute())
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "IPFS_PATH": f"{folder}/repo",
            "IPFS_TELEMETRY": "off",
        }
        self.run("init", "--profile=test")
        self.run("config", "--json", "Gateway.NoFetch", "true")
        self.run("config", "--json", "Pubsub.Enabled", "true")

    def run(self, *args):
        subprocess.run([self.binary, *args], env=self.env, check=True, capture_output=True, timeout=60)

    def __enter__(self):
        self.log = open(f"{self.folder}/daemon.log", "wb+")
        self.daemon = subprocess.Popen(
            [self.binary, "daemon"], env=self.env, stdout=self.log, stderr=self.log, cwd=self.folder
        )
        for _ in range(600):
            if b"Daemon is ready" in pathlib.Path(self.log.name).read_bytes():
                break
            if self.daemon.poll() is not None:
                sys.exit(f"{self.binary} ended: {pathlib.Path(self.log.name).read_text()}")
            time.sleep(0.1)
        api = pathlib.Path(f"{self.folder}/repo/api").read_text()
        self.port = api.strip().rsplit("/", 1)[1]
        return self

    def __exit__(self, *_):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            self.daemon.wait(20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.log.close()


def calls(client, node, clients):
    """What each call got."""
    python = f"{clients}/venv/bin/python"
    command = {
        "kubo-rpc-client": ["node", HERE / "js/calls.mjs", f"http://127.0.0.1:{node.port}", clients],
        "ipfshttpclient": [python, HERE / "python/httpclient_calls.py", node.port],
        "aioipfs": [python, HERE / "python/aioipfs_calls.py", node.port],
    }[client]
    done = subprocess.run(
        command, env=node.env, capture_output=True, text=True, timeout=170, cwd=node.folder
    )
    got = {}
    for line in done.stdout.splitlines():
        step = json.loads(line)
        text = json.dumps(step["got"], sort_keys=True, ensure_ascii=False)
        got[step["step"]] = re.sub(r"(localhost:|127\.0\.0\.1:|/tcp/|port=)\d+", r"\1PORT", text)
    got["the end"] = f"exit code {done.returncode}" + (f": {done.stderr[-2000:]}" if done.returncode else "")
    return got


def main():
    parser = argparse.ArgumentParser()
    for name in ["basalt", "kubo", "clients"]:
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    known = {(k["client"], k["call"]): k["reason"] for k in json.loads((HERE / "known.json").read_text())}
    passed = failed = 0
    for client in ["kubo-rpc-client", "ipfshttpclient", "aioipfs"]:
        got = []
        for binary in [args.kubo, args.basalt]:
            with tempfile.TemporaryDirectory(prefix="basalt-clients-") as folder:
                with Node(binary, folder) as node:
                    got.append(calls(client, node, args.clients))
        kubo, basalt = got
        for call in {**kubo, **basalt}:
            left, right = kubo.get(call, "not called"), basalt.get(call, "not called")
            reason = known.get((client, call))
            if (left == right) == (reason is None):
                passed += 1
                continue
            failed += 1
            if reason is not None:
                print(f"FAIL {client}: {call}: no difference any more, though one is meant: {reason}")
            else:
                print(f"FAIL {client}: {call}\n  Kubo   {left[:600]}\n  Basalt {right[:600]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
