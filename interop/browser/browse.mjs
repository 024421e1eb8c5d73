// What a person sees of the gateway, in a real browser: listings, a website with _redirects in an origin
// of its own, pages of errors; without scripts, and on a phone. The browser is driven over its pipe of
// the DevTools protocol, nothing but Node.js is needed.
import { spawn, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [basalt, browser, work] = process.argv.slice(2);
const env = { ...process.env, IPFS_PATH: join(work, "repo") };
const ipfs = (...args) => execFileSync(basalt, args, { env, encoding: "utf8" }).trim();
const children = [];
let passed = 0;
let failed = 0;

function end() {
  for (const child of children) child.kill();
}

async function check(name, work) {
  try {
    await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

function ensure(truth, text) {
  if (!truth) throw new Error(text);
}

// The content.
const PHONE = { width: 360, height: 640, deviceScaleFactor: 2, mobile: true };
const DESKTOP = { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false };
const LONG = `a-name-that-goes-on-${"and-on-".repeat(20)}.txt`;
function content() {
  const folder = join(work, "content");
  const put = (name, text) => {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  };
  put("files/hello.txt", "hello from a file");
  put("files/<b>&\" odd #?%.txt", "an odd name");
  put(`files/${LONG}`, "long");
  put("files/sub/deep.txt", "deep");
  for (let n = 0; n < 300; n += 1) put(`files/many/${n}.txt`, `${n}`);
  put("site/index.html", '<!doctype html><title>site</title><link rel=stylesheet href="/style.css"><p id=where>index</p><a id=go href="/about/me">me</a>');
  put("site/style.css", "#where{color:rgb(1,2,3)}");
  put("site/about.html", "<!doctype html><title>about</title><p id=where>about</p>");
  put("site/404.html", "<!doctype html><title>lost</title><p id=where>own 404</p>");
  put("site/_redirects", "/about/* /about.html 200\n/old /about.html 301\n/* /404.html 404\n");
  const add = (name) => ipfs("add", "-Qr", "--cid-version=1", join(folder, name));
  return { files: add("files"), site: add("site") };
}

function start() {
  ipfs("init", "--profile=test,randomports");
  const cids = content();
  return new Promise((resolve, reject) => {
    const daemon = spawn(basalt, ["daemon", "--offline"], { env, stdio: ["ignore", "pipe", "inherit"] });
    children.push(daemon);
    daemon.on("exit", (code) => reject(new Error(`the daemon ended with ${code}`)));
    let said = "";
    daemon.stdout.on("data", (data) => {
      said += data;
      if (said.includes("Daemon is ready\n")) {
        const url = new URL(readFileSync(join(env.IPFS_PATH, "gateway"), "utf8"));
        resolve({ ...cids, port: url.port });
      }
    });
  });
}

// The browser.
class Browser {
  constructor() {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      `--user-data-dir=${join(work, "profile")}`,
      "--remote-debugging-pipe",
    ];
    this.child = spawn(browser, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    children.push(this.child);
    this.waiting = new Map();
    this.listeners = new Set();
    this.last = 0;
    this.rest = "";
    this.child.stdio[4].on("data", (data) => this.read(data));
    this.child.on("exit", () => this.fail(new Error("the browser ended")));
    this.child.on("error", (error) => this.fail(error));
  }

  fail(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  read(data) {
    const parts = (this.rest + data.toString()).split("\0");
    this.rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      const waiting = this.waiting.get(message.id);
      if (waiting) {
        this.waiting.delete(message.id);
        if (message.error) waiting.reject(new Error(JSON.stringify(message.error)));
        else waiting.resolve(message.result);
      } else {
        for (const listener of this.listeners) listener(message);
      }
    }
  }

  call(method, params = {}, sessionId = undefined) {
    const id = (this.last += 1);
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      setTimeout(() => {
        if (this.waiting.delete(id)) reject(new Error(`no answer to ${method}`));
      }, 30_000).unref();
    });
  }

  async page() {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId);
    for (const domain of ["Page", "Network", "DOM", "CSS", "Log"]) await page.call(`${domain}.enable`);
    return page;
  }
}

class Page {
  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
    this.reset();
    browser.listeners.add((message) => {
      if (message.sessionId !== session) return;
      if (message.method === "Network.responseReceived") {
        const { response, type } = message.params;
        if (type === "Document") this.document = { status: response.status, url: response.url };
        else this.others.push({ status: response.status, url: response.url });
      }
      if (message.method === "Network.requestWillBeSent") this.requests.push(message.params.request.url);
      if (message.method === "Page.loadEventFired") this.loaded?.();
    });
  }

  reset() {
    this.document = undefined;
    this.others = [];
    this.requests = [];
  }

  call(method, params) {
    return this.browser.call(method, params, this.session);
  }

  async open(url) {
    this.reset();
    await this.after(() => this.call("Page.navigate", { url }));
  }

  async after(work) {
    const loaded = new Promise((resolve, reject) => {
      this.loaded = resolve;
      setTimeout(() => reject(new Error("the page was not loaded in time")), 30_000).unref();
    });
    await work();
    await loaded;
  }

  async device(device, dark = false) {
    await this.call("Emulation.setDeviceMetricsOverride", device);
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  async find(selector) {
    const { root } = await this.call("DOM.getDocument", { depth: 0 });
    const { nodeIds } = await this.call("DOM.querySelectorAll", { nodeId: root.nodeId, selector });
    return nodeIds;
  }

  async html() {
    const [nodeId] = await this.find("html");
    const { outerHTML } = await this.call("DOM.getOuterHTML", { nodeId });
    return outerHTML;
  }

  async attribute(nodeId, name) {
    const { attributes } = await this.call("DOM.getAttributes", { nodeId });
    return attributes[attributes.indexOf(name) + 1];
  }

  async style(nodeId, name) {
    const { computedStyle } = await this.call("CSS.getComputedStyleForNode", { nodeId });
    return computedStyle.find((property) => property.name === name)?.value;
  }

  /// Clicks in the middle of an element, as a person would.
  async click(nodeId) {
    await this.call("DOM.scrollIntoViewIfNeeded", { nodeId });
    const { quads } = await this.call("DOM.getContentQuads", { nodeId });
    const [x1, y1, , , x2, y2] = quads[0];
    const at = { x: (x1 + x2) / 2, y: (y1 + y2) / 2, button: "left", clickCount: 1 };
    await this.call("Input.dispatchMouseEvent", { type: "mousePressed", ...at });
    await this.call("Input.dispatchMouseEvent", { type: "mouseReleased", ...at });
  }

  async fits() {
    const { cssContentSize, cssLayoutViewport } = await this.call("Page.getLayoutMetrics");
    ensure(
      cssContentSize.width <= cssLayoutViewport.clientWidth,
      `the page is ${cssContentSize.width} wide where ${cssLayoutViewport.clientWidth} are seen`,
    );
  }
}

try {
  const { files, site, port } = await start();
  const at = (path) => `http://127.0.0.1:${port}${path}`;
  const own = (cid, path) => `http://${cid}.ipfs.localhost:${port}${path}`;
  const page = await new Browser().page();
  await page.call("Emulation.setScriptExecutionDisabled", { value: true });
  await page.device(DESKTOP);

  await check("a listing", async () => {
    await page.open(at(`/ipfs/${files}/`));
    ensure(page.document.status === 200, `status ${page.document.status}`);
    const html = await page.html();
    ensure(html.includes("hello.txt") && html.includes(files), "the listing has neither names nor its CID");
    ensure(!html.includes("<b>&"), "a name is not escaped");
    ensure((await page.find("script")).length === 0, "there is a script");
    const from = page.requests.filter((url) => !url.startsWith(at("/")) && !url.startsWith("data:"));
    ensure(from.length === 0, `something is loaded from elsewhere: ${from}`);
  });
  await check("a file is opened from a listing", async () => {
    await page.open(at(`/ipfs/${files}/`));
    const [link] = await page.find('td a[href$="hello.txt"]');
    await page.after(() => page.click(link));
    ensure(page.document.url === at(`/ipfs/${files}/hello.txt`), page.document.url);
    ensure((await page.html()).includes("hello from a file"), "it is not shown");
  });
  await check("a file with an odd name is opened", async () => {
    await page.open(at(`/ipfs/${files}/`));
    const [link] = await page.find('td a[href*="odd"]');
    await page.after(() => page.click(link));
    ensure(page.document.status === 200, `status ${page.document.status} of ${page.document.url}`);
    ensure((await page.html()).includes("an odd name"), "it is not shown");
  });
  await check("down a directory and up again", async () => {
    await page.open(at(`/ipfs/${files}`));
    ensure(page.document.url === at(`/ipfs/${files}/`), "no slash was put to it");
    await page.after(async () => page.click((await page.find('td a[href$="/sub"]'))[0]));
    ensure((await page.html()).includes("deep.txt"), "not in the directory");
    const up = (await page.find("td a"))[0];
    await page.after(() => page.click(up));
    ensure((await page.html()).includes("hello.txt"), "not back");
  });
  await check("a listing on a phone", async () => {
    await page.device(PHONE);
    for (const path of ["/", "/many/"]) {
      await page.open(at(`/ipfs/${files}${path}`));
      await page.fits();
    }
    const link = (await page.find('td a[href$="/7.txt"]'))[0];
    await page.after(() => page.click(link));
    ensure((await page.html()).includes(">7<"), "the file was not opened");
  });
  await check("a listing in the dark", async () => {
    await page.open(at(`/ipfs/${files}/`));
    const [body] = await page.find("body");
    const light = await page.style(body, "background-color");
    await page.device(DESKTOP, true);
    const dark = await page.style(body, "background-color");
    ensure(light !== dark, `it is ${light} in both`);
    await page.device(DESKTOP);
  });
  await check("a 404 page", async () => {
    for (const device of [DESKTOP, PHONE]) {
      await page.device(device);
      await page.open(at(`/ipfs/${files}/no/such/${"very-long-".repeat(30)}`));
      ensure(page.document.status === 404, `status ${page.document.status}`);
      ensure((await page.html()).includes("no link named"), "it does not say what is wrong");
      await page.fits();
    }
    await page.device(DESKTOP);
  });
  await check("a path is led to an origin of its own", async () => {
    await page.open(`http://localhost:${port}/ipfs/${site}/`);
    ensure(page.document.url === own(site, "/"), page.document.url);
    const [where] = await page.find("#where");
    ensure((await page.style(where, "color")) === "rgb(1, 2, 3)", "its style was not loaded");
  });
  await check("a website rewrites by _redirects", async () => {
    await page.open(own(site, "/"));
    await page.after(async () => page.click((await page.find("#go"))[0]));
    ensure(page.document.status === 200, `status ${page.document.status}`);
    ensure(page.document.url === own(site, "/about/me"), page.document.url);
    ensure((await page.html()).includes(">about<"), "another page");
  });
  await check("a website redirects by _redirects", async () => {
    await page.open(own(site, "/old"));
    ensure(page.document.url === own(site, "/about.html"), page.document.url);
  });
  await check("a website has its own 404 page", async () => {
    await page.open(own(site, "/nowhere"));
    ensure(page.document.status === 404, `status ${page.document.status}`);
    ensure((await page.html()).includes("own 404"), "another page");
  });
  await check("the same with scripts", async () => {
    await page.call("Emulation.setScriptExecutionDisabled", { value: false });
    await page.open(own(files, "/"));
    ensure(page.document.status === 200, `status ${page.document.status}`);
    const up = await page.find('a[href*="hello.txt"]');
    ensure(up.length > 0, "the listing has no links");
  });
} catch (error) {
  failed += 1;
  console.log(`FAIL ${error.stack}`);
}
end();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
