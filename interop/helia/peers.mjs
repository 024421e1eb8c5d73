// peers.mjs BASALT: a Helia node and Basalt's daemon as peers. Each fetches from the other, over TCP and
// WebSocket, whoever dialled. The last line is `N passed, N failed`.
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'
import ws from 'ws'

// Helia wants these, and Node.js 20 does not have them.
globalThis.WebSocket ??= ws
Promise.withResolvers ??= function () {
  const all = {}
  all.promise = new this((resolve, reject) => Object.assign(all, { resolve, reject }))
  return all
}

const [basalt] = process.argv.slice(2)
const FILE = 3 << 20
const ENTRIES = 300
const LIMIT = 60_000

let passed = 0
let failed = 0

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')
const signal = () => AbortSignal.timeout(LIMIT)

async function check (name, work) {
  try {
    await work()
    passed++
  } catch (error) {
    failed++
    console.log(`FAILED ${name}: ${error.stack ?? error}`)
  }
}

function equal (got, wanted, what) {
  if (got !== wanted) throw new Error(`${what}: ${got}, not ${wanted}`)
}

async function rejects (work, what) {
  try {
    await work()
  } catch {
    return
  }
  throw new Error(`${what} did not fail`)
}

/** Basalt's daemon, on a repo of its own. */
class Daemon {
  static async start (folder, listen) {
    const daemon = new Daemon()
    daemon.repo = join(folder, 'repo')
    await daemon.say('init', '--profile=test,randomports')
    await daemon.say('config', '--json', 'Addresses.Swarm', JSON.stringify([listen]))
    await daemon.say('config', 'Routing.Type', 'none')
    daemon.process = spawn(basalt, ['daemon'], { env: daemon.env(), stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve, reject) => {
      let said = ''
      daemon.process.stdout.on('data', (piece) => {
        said += piece
        if (said.includes('Daemon is ready\n')) resolve()
      })
      daemon.process.on('exit', (code) => reject(new Error(`the daemon ended with ${code}: ${said}`)))
    })
    daemon.process.removeAllListeners('exit')
    const id = JSON.parse(await daemon.say('id'))
    daemon.id = id.ID
    daemon.address = id.Addresses[0]
    return daemon
  }

  env () {
    return { ...process.env, IPFS_PATH: this.repo }
  }

  /** What a command writes. */
  async bytes (...args) {
    return new Promise((resolve, reject) => {
      const options = { env: this.env(), encoding: 'buffer', maxBuffer: 64 << 20 }
      execFile(basalt, args, options, (error, stdout, stderr) => {
        if (error == null) resolve(stdout)
        else reject(new Error(`${args.join(' ')}: ${stderr}`))
      })
    })
  }

  async say (...args) {
    return (await this.bytes(...args)).toString().trim()
  }

  async stop () {
    const ended = new Promise((resolve) => this.process.on('exit', resolve))
    this.process.kill('SIGTERM')
    equal(await ended, 0, 'exit code of the daemon')
  }
}

/** A Helia node, in this process. */
async function startHelia (listen, cipher) {
  const helia = withBitswap(withLibp2pLight(createHeliaLight(), {
    addresses: { listen: [listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [cipher()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  }))
  await helia.start()
  return helia
}

async function collect (source) {
  const pieces = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function fetches (name, daemon, helia, folder) {
  const fs = unixfs(helia)

  await check(`${name}: Helia fetches a file`, async () => {
    const content = randomBytes(FILE)
    const path = join(folder, 'file')
    await writeFile(path, content)
    for (const options of [[], ['--cid-version=1', '--chunker=size-65536']]) {
      const cid = await daemon.say('add', '-Q', ...options, path)
      const came = await collect(fs.cat(CID.parse(cid), { signal: signal() }))
      equal(digest(came), digest(content), 'its bytes')
    }
  })

  await check(`${name}: Helia lists a directory and reads its files`, async () => {
    const tree = join(folder, 'tree')
    await mkdir(tree, { recursive: true })
    const mark = randomBytes(8).toString('hex')
    for (let n = 0; n < ENTRIES; n++) await writeFile(join(tree, `file ${n}`), `${mark} ${n}`)
    const cid = CID.parse(await daemon.say('add', '-Qr', '--cid-version=1', tree))
    const names = []
    for await (const entry of fs.ls(cid, { signal: signal() })) names.push(entry.name)
    equal(names.length, ENTRIES, 'entries')
    const last = await collect(fs.cat(cid, { path: `file ${ENTRIES - 1}`, signal: signal() }))
    equal(last.toString(), `${mark} ${ENTRIES - 1}`, 'a file in it')
  })

  await check(`${name}: Helia pins what Basalt has`, async () => {
    const path = join(folder, 'pinned')
    await writeFile(path, randomBytes(FILE))
    const cid = CID.parse(await daemon.say('add', '-Q', '--chunker=size-16384', path))
    let blocks = 0
    for await (const _ of helia.pins.add(cid, { signal: signal() })) blocks++
    if (blocks < FILE / 16384) throw new Error(`${blocks} blocks`)
  })

  await check(`${name}: Basalt fetches a file`, async () => {
    const content = randomBytes(FILE)
    const cid = (await fs.addBytes(content)).toString()
    const came = await daemon.bytes('cat', '--timeout=30s', cid)
    equal(digest(came), digest(content), 'its bytes')
    equal(digest(await daemon.bytes('cat', '--offline', cid)), digest(content), 'what is kept')
  })

  await check(`${name}: Basalt pins a directory`, async () => {
    const mark = randomBytes(8).toString('hex')
    let cid = await fs.addDirectory()
    for (let n = 0; n < 30; n++) {
      const file = await fs.addBytes(Buffer.from(`${mark} ${n}`))
      cid = await fs.cp(file, cid, `file ${n}`)
    }
    await daemon.say('pin', 'add', '--timeout=30s', cid.toString())
    const listed = await daemon.say('ls', '--offline', cid.toString())
    equal(listed.split('\n').length, 30, 'entries')
    const last = await daemon.say('cat', '--offline', `/ipfs/${cid}/file 29`)
    equal(last, `${mark} 29`, 'a file in it')
  })

  await check(`${name}: pings`, async () => {
    const said = await daemon.say('ping', '-n', '2', '--timeout=20s', helia.libp2p.peerId.toString())
    if (!said.includes('Average latency')) throw new Error(said)
    await helia.libp2p.services.ping.ping(multiaddr(daemon.address), { signal: signal() })
  })

  await check(`${name}: what nobody has is not waited for longer than asked`, async () => {
    const nowhere = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
    await rejects(() => daemon.say('cat', '--timeout=2s', nowhere), 'Basalt')
    const soon = AbortSignal.timeout(2000)
    await rejects(() => collect(fs.cat(CID.parse(nowhere), { signal: soon })), 'Helia')
  })

  await check(`${name}: Basalt knows who it is`, async () => {
    const said = JSON.parse(await daemon.say('id', helia.libp2p.peerId.toString()))
    if (!said.AgentVersion.startsWith('helia/')) throw new Error(said.AgentVersion)
    if (!said.Protocols.includes('/ipfs/bitswap/1.2.0')) throw new Error(`${said.Protocols}`)
  })
}

const folder = await mkdtemp(join(tmpdir(), 'basalt-helia-'))
try {
  for (const [transport, listen, cipher, privacy] of [
    ['TCP', '/ip4/127.0.0.1/tcp/0', noise, 'Noise'],
    ['TCP', '/ip4/127.0.0.1/tcp/0', tls, 'TLS'],
    ['WebSocket', '/ip4/127.0.0.1/tcp/0/ws', noise, 'Noise']
  ]) {
    for (const dials of ['Helia', 'Basalt']) {
      const name = `${transport} with ${privacy}, ${dials} dials`
      const place = await mkdtemp(join(folder, 'pair-'))
      const daemon = await Daemon.start(place, listen)
      const helia = await startHelia(listen, cipher)
      try {
        await check(`${name}: they connect`, async () => {
          if (dials === 'Helia') await helia.libp2p.dial(multiaddr(daemon.address), { signal: signal() })
          else await daemon.say('swarm', 'connect', helia.libp2p.getMultiaddrs()[0].toString())
        })
        await fetches(name, daemon, helia, place)
      } finally {
        await helia.stop()
        await check(`${name}: the daemon ends`, () => daemon.stop())
      }
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
