// Calls of kubo-rpc-client, one line of JSON for each: `node calls.mjs http://127.0.0.1:5001 FOLDER`.
// What differs from node to node (identities, ports, times) is left out or masked where it is written.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [, , url, modules] = process.argv
const load = async (name) => import(pathToFileURL(createRequire(`${modules}/`).resolve(name)))
const { create, CID, globSource } = await load('kubo-rpc-client')
const ipfs = create({ url })
const text = (s) => new TextEncoder().encode(s)

// Values as JSON: CIDs as text, bytes as hex, keys in order.
const plain = (v, depth = 0) => {
  if (v === undefined || v === null) return null
  if (typeof v === 'bigint') return `${v}n`
  if (typeof v !== 'object') return v
  if (CID.asCID(v)) return CID.asCID(v).toString()
  if (v instanceof Uint8Array) return `hex:${Buffer.from(v).toString('hex').slice(0, 200)} ${v.length}`
  if (v instanceof Date) return v.toISOString()
  if (Array.isArray(v)) return v.map((x) => plain(x, depth + 1))
  if (v instanceof Map) return plain(Object.fromEntries(v), depth + 1)
  if (typeof v.toCID === 'function' || v.constructor?.name?.includes('Multiaddr')) return String(v)
  if (depth > 6) return String(v)
  return Object.fromEntries(Object.keys(v).sort().map((k) => [k, plain(v[k], depth + 1)]))
}
let self = ''
const masked = (s) => (self === '' ? s : s.replaceAll(self, 'SELF'))
const step = async (name, call) => {
  let got
  const timer = new Promise((_, no) => setTimeout(() => no(new Error('the call took more than 20 s')), 20000).unref())
  let value
  try {
    value = await Promise.race([call(), timer])
    got = { ok: plain(value) }
  } catch (error) {
    got = { error: error.message, name: error.name }
  }
  console.log(masked(JSON.stringify({ step: name, got })))
  return value
}
const all = async (it) => { const out = []; for await (const x of it) out.push(x); return out }
const bytes = async (it) => Buffer.concat(await all(it))
const sorted = (list, key) => list.sort((a, b) => String(key(a)).localeCompare(String(key(b))))

self = String((await ipfs.id()).id)
await step('id', async () => { const id = await ipfs.id(); return { agent: id.agentVersion.split('/')[1], keys: Object.keys(id).sort() } })
await step('version', async () => { const v = await ipfs.version(); return { version: v.version, repo: v.repo, keys: Object.keys(v).sort() } })
await step('commands', async () => (await ipfs.commands()).name ?? 'ipfs')

// add
const hello = (await step('add', () => ipfs.add('hello clients\n'))).cid
await step('add with options', () => ipfs.add(text('x'.repeat(600000)), { cidVersion: 1, rawLeaves: true, chunker: 'size-100000', pin: false }))
await step('add only-hash', () => ipfs.add('nothing stored', { onlyHash: true }))
await step('add trickle', () => ipfs.add(text('y'.repeat(600000)), { trickle: true }))
await step('add hash', () => ipfs.add('hashed', { hashAlg: 'blake2b-256' }))
await step('add mode and mtime', () => ipfs.add({ path: 'a', content: text('m'), mode: 0o640, mtime: { secs: 1000n, nsecs: 5 } }))
await step('add progress', async () => { const seen = []; await ipfs.add(text('z'.repeat(300000)), { progress: (n) => seen.push(n) }); return seen[seen.length - 1] })
const tree = await step('addAll', () => all(ipfs.addAll([
  { path: 'dir/a.txt', content: text('a') }, { path: 'dir/sub/b.txt', content: text('b') }, { path: 'dir/empty' }
])))
const root = tree[tree.length - 1].cid
await step('addAll wrapped', () => all(ipfs.addAll([{ path: 'f', content: text('f') }], { wrapWithDirectory: true })))
await step('addAll nothing', () => all(ipfs.addAll([])))
await step('addAll of odd names', () => all(ipfs.addAll([{ path: 'o/ü ä%20&?.txt', content: text('odd') }])))
await step('add bad hash', () => ipfs.add('x', { hashAlg: 'no-such' }))
await step('add bad chunker', () => ipfs.add('x', { chunker: 'size-0' }))

// cat, get, ls
await step('cat', () => bytes(ipfs.cat(hello)))
await step('cat range', () => bytes(ipfs.cat(hello, { offset: 2, length: 5 })))
await step('cat path', () => bytes(ipfs.cat(`/ipfs/${root}/sub/b.txt`)))
await step('cat directory', () => bytes(ipfs.cat(root)))
await step('cat absent path', () => bytes(ipfs.cat(`${root}/none`)))
await step('cat nonsense', () => bytes(ipfs.cat('nonsense')))
await step('get', async () => (await bytes(ipfs.get(root))).length > 1000)
await step('get archived', async () => (await bytes(ipfs.get(root, { archive: true, compress: true, compressionLevel: 5 }))).length > 20)
await step('ls', () => all(ipfs.ls(root)))
await step('ls path', () => all(ipfs.ls(`${root}/sub`)))
await step('ls file', () => all(ipfs.ls(hello)))
await step('ls absent', () => all(ipfs.ls(`${root}/none`)))

// block
const block = await step('block put', () => ipfs.block.put(text('a block')))
await step('block put format', () => ipfs.block.put(text('a block'), { format: 'raw', mhtype: 'sha2-512', pin: true }))
await step('block put bad', () => ipfs.block.put(text('a block'), { format: 'dag-pb' }))
await step('block get', () => ipfs.block.get(block))
await step('block stat', () => ipfs.block.stat(block))
await step('block rm', () => all(ipfs.block.rm(block)))
await step('block rm again', () => all(ipfs.block.rm(block)))
await step('block rm forced', () => all(ipfs.block.rm(block, { force: true })))
await step('block rm pinned', () => all(ipfs.block.rm(hello)))

// dag
const value = await step('dag put', () => ipfs.dag.put({ a: [1, 2.5, 'x', null, true], link: hello, b: text('bin') }))
await step('dag put json', () => ipfs.dag.put({ z: 1 }, { storeCodec: 'dag-json', hashAlg: 'sha2-512', pin: true }))
await step('dag get', () => ipfs.dag.get(value))
await step('dag get path', () => ipfs.dag.get(value, { path: '/a/1' }))
await step('dag get link', () => ipfs.dag.get(value, { path: '/link' }))
await step('dag get absent', () => ipfs.dag.get(value, { path: '/nope' }))
await step('dag get pb', () => ipfs.dag.get(root))
await step('dag resolve', () => ipfs.dag.resolve(`${root}/sub/b.txt`))
await step('dag resolve remainder', () => ipfs.dag.resolve(value, { path: '/a/0' }))
const car = await step('dag export', async () => bytes(ipfs.dag.export(root)))
await step('dag import', () => all(ipfs.dag.import([[car]])))
await step('dag import, not pinned', () => all(ipfs.dag.import([[car]], { pinRoots: false })))
await step('dag import bad', () => all(ipfs.dag.import([[text('no car')]])))

// pin
await step('pin ls', async () => sorted(await all(ipfs.pin.ls({ type: 'recursive' })), (p) => p.cid))
await step('pin ls one', () => all(ipfs.pin.ls({ paths: hello })))
await step('pin ls not pinned', () => all(ipfs.pin.ls({ paths: value })))
await step('pin ls bad type', () => all(ipfs.pin.ls({ type: 'odd' })))
await step('pin add', () => ipfs.pin.add(value, { name: 'of the client' }))
await step('pin ls names', async () => sorted((await all(ipfs.pin.ls({ type: 'recursive', names: true }))).filter((p) => p.cid.equals(value)), (p) => p.cid))
await step('pin addAll', () => all(ipfs.pin.addAll([hello, { cid: root, recursive: true }])))
await step('pin rm', () => ipfs.pin.rm(value))
await step('pin rm again', () => ipfs.pin.rm(value))
await step('pin direct', () => ipfs.pin.add(value, { recursive: false }))
await step('pin rmAll', () => all(ipfs.pin.rmAll([{ cid: value, recursive: false }])))
await step('pin remote service ls', () => ipfs.pin.remote.service.ls())
await step('pin remote service add', () => ipfs.pin.remote.service.add('s', { endpoint: new URL('http://127.0.0.1:9/psa'), key: 'secret' }))
await step('pin remote service ls one', () => ipfs.pin.remote.service.ls())
await step('pin remote service rm', () => ipfs.pin.remote.service.rm('s'))

// files
await step('files mkdir', () => ipfs.files.mkdir('/d/e', { parents: true }))
await step('files mkdir again', () => ipfs.files.mkdir('/d/e'))
await step('files write', () => ipfs.files.write('/d/f', text('0123456789'), { create: true }))
await step('files write at', () => ipfs.files.write('/d/f', text('XX'), { offset: 4 }))
await step('files write cut', () => ipfs.files.write('/d/g', text('0123456789'), { create: true, length: 3, cidVersion: 1, rawLeaves: true }))
await step('files write absent', () => ipfs.files.write('/none', text('x')))
await step('files write mtime', () => ipfs.files.write('/d/m', text('x'), { create: true, mode: '0644', mtime: new Date(5000) }))
await step('files read', () => bytes(ipfs.files.read('/d/f')))
await step('files read part', () => bytes(ipfs.files.read('/d/f', { offset: 3, length: 4 })))
await step('files stat', () => ipfs.files.stat('/d/f'))
await step('files stat root', async () => (await ipfs.files.stat('/')).type)
await step('files stat local', () => ipfs.files.stat('/d', { withLocal: true }))
await step('files stat hash', () => ipfs.files.stat('/d', { hash: true }))
await step('files stat absent', () => ipfs.files.stat('/none'))
await step('files ls', () => all(ipfs.files.ls('/d')))
await step('files cp', () => ipfs.files.cp('/d/f', '/d/copy'))
await step('files cp ipfs', () => ipfs.files.cp(`/ipfs/${root}`, '/d/tree', { parents: true }))
await step('files cp there', () => ipfs.files.cp('/d/f', '/d/copy'))
await step('files mv', () => ipfs.files.mv('/d/copy', '/d/moved'))
await step('files stat touched', () => ipfs.files.stat('/d/g'))
await step('files flush', () => ipfs.files.flush('/d'))
await step('files rm', () => ipfs.files.rm('/d/moved'))
await step('files rm dir', () => ipfs.files.rm('/d'))
await step('files rm recursive', () => ipfs.files.rm('/d', { recursive: true }))
await step('files rm absent', () => ipfs.files.rm('/d'))

// keys and names
const key = await step('key gen', async () => (await ipfs.key.gen('client', { type: 'ed25519' })).name)
await step('key gen rsa', async () => (await ipfs.key.gen('client-rsa', { type: 'rsa', size: 2048 })).name)
await step('key gen again', () => ipfs.key.gen('client'))
await step('key gen bad', () => ipfs.key.gen('bad', { type: 'odd' }))
await step('key list', async () => (await ipfs.key.list()).map((k) => k.name).sort())
await step('key rename', async () => { const r = await ipfs.key.rename('client', 'renamed'); return [r.was, r.now, r.overwrite] })
await step('key rm', async () => (await ipfs.key.rm('client-rsa')).name)
await step('key rm absent', () => ipfs.key.rm('client-rsa'))
await step('name publish', async () => { const p = await ipfs.name.publish(hello, { key: 'renamed', allowOffline: true, lifetime: '1h' }); return p.value })
await step('name resolve', async () => { const id = (await ipfs.key.list()).find((k) => k.name === 'renamed').id; return all(ipfs.name.resolve(id)) })
await step('name resolve bad', () => all(ipfs.name.resolve('nonsense')))
await step('resolve', () => ipfs.resolve(`/ipfs/${root}/sub/b.txt`))
await step('resolve base', () => ipfs.resolve(`/ipfs/${root}`, { cidBase: 'base64url' }))
await step('resolve absent', () => ipfs.resolve(`/ipfs/${root}/none`))

// refs
await step('refs', () => all(ipfs.refs(root, { recursive: true })))
await step('refs format', () => all(ipfs.refs(root, { format: '<src> -> <dst> <linkname>' })))
await step('refs depth', () => all(ipfs.refs(root, { recursive: true, maxDepth: 1 })))
await step('refs local', async () => (await all(ipfs.refs.local())).some((r) => r.ref.length > 10))

// repo, config, stats
await step('repo stat', async () => { const s = await ipfs.repo.stat(); return [s.storageMax, s.version, s.numObjects > 10n, Object.keys(s).sort()] })
await step('repo version', () => ipfs.repo.version())
await step('repo gc', async () => (await all(ipfs.repo.gc())).every((r) => r.err == null))
await step('config get', () => ipfs.config.get('Addresses.Announce'))
await step('config get absent', () => ipfs.config.get('No.Such'))
await step('config set', () => ipfs.config.set('Datastore.GCPeriod', '3h'))
await step('config get set', () => ipfs.config.get('Datastore.GCPeriod'))
await step('config set object', () => ipfs.config.set('API.HTTPHeaders', { 'X-Odd': ['1'] }))
await step('config getAll', async () => Object.keys(await ipfs.config.getAll()).sort())
await step('config profiles apply', async () => { const r = await ipfs.config.profiles.apply('lowpower', { dryRun: true }); return Object.keys(r).sort() })
await step('config profiles bad', () => ipfs.config.profiles.apply('none'))
await step('stats repo', async () => Object.keys(await ipfs.stats.repo()).sort())
await step('stats bw', async () => { for await (const b of ipfs.stats.bw()) return Object.keys(b).sort() })
await step('stats bitswap', async () => Object.keys(await ipfs.stats.bitswap()).sort())

// network, as far as a node alone has one
await step('bootstrap list', () => ipfs.bootstrap.list())
await step('bootstrap add', () => ipfs.bootstrap.add('/ip4/127.0.0.1/tcp/9/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'))
await step('bootstrap add bad', () => ipfs.bootstrap.add('/odd'))
await step('bootstrap rm', () => ipfs.bootstrap.rm('/ip4/127.0.0.1/tcp/9/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'))
await step('swarm peers', () => ipfs.swarm.peers())
await step('swarm addrs', async () => (await ipfs.swarm.addrs()).length)
await step('swarm localAddrs', async () => (await ipfs.swarm.localAddrs()).length > 0)
await step('swarm connect bad', () => ipfs.swarm.connect('/ip4/127.0.0.1/tcp/9'))
await step('swarm disconnect', () => ipfs.swarm.disconnect('/ip4/127.0.0.1/tcp/9/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'))
await step('bitswap wantlist', () => ipfs.bitswap.wantlist())
await step('bitswap stat', async () => Object.keys(await ipfs.bitswap.stat()).sort())
await step('ping self', () => all(ipfs.ping(self)))
await step('pubsub ls', () => ipfs.pubsub.ls())
await step('pubsub peers', () => ipfs.pubsub.peers('topic'))
await step('isOnline', () => ipfs.isOnline())

// diagnosis
await step('diag cmds', async () => Array.isArray(await ipfs.diag.cmds({ verbose: true })))
await step('diag sys', async () => Object.keys(await ipfs.diag.sys()).sort())
await step('log ls', async () => (await ipfs.log.ls()).length > 5)
await step('log level', () => ipfs.log.level('all', 'error'))
await step('log level bad', () => ipfs.log.level('all', 'odd'))
await step('timeout', () => bytes(ipfs.cat('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku', { timeout: 500 })))
await step('mount', () => ipfs.mount({ ipfsPath: '/no/such', ipnsPath: '/no/such', mfsPath: '/no/such' }))
process.exit(0)
