// @ts-check
// A sandbox in a process of its own, and sessions in it. index.d.ts has the descriptions.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { command } from './command.js'

export { command }

/** Of a call of the admin API, in milliseconds. */
const TIMEOUT = 10_000

export class SandboxError extends Error {
  /** @override */
  name = 'SandboxError'
}

export class Session {
  /** @param {string} baseUrl */
  constructor(baseUrl) {
    this.baseUrl = baseUrl
    this.apiKey = `ifr_pk_${randomBytes(16).toString('hex')}`
  }

  get environment() {
    return { INFRAI_BASE_URL: this.baseUrl, INFRAI_API_KEY: this.apiKey }
  }

  /** @param {import('./index.js').Fault | readonly import('./index.js').Fault[]} [rules] */
  async faults(rules) {
    if (rules === undefined) return (await this.#call('GET', 'faults')).faults
    return (await this.#call('PUT', 'faults', { fault: [rules].flat() })).faults
  }

  /** @param {number} seconds */
  async advance(seconds) {
    return (await this.#call('POST', 'clock', { advance_seconds: seconds })).now
  }

  ledger() {
    return this.#call('GET', 'ledger')
  }

  async journal() {
    return (await this.#call('GET', 'journal')).requests
  }

  async jobs() {
    return (await this.#call('GET', 'jobs')).jobs
  }

  async reset() {
    await this.#call('POST', 'reset')
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  #call(method, path, body) {
    return admin(this.baseUrl, this.apiKey, method, path, body)
  }
}

export class Sandbox extends Session {
  #child

  /**
   * @param {string} baseUrl
   * @param {import('node:child_process').ChildProcess} child
   */
  constructor(baseUrl, child) {
    super(baseUrl)
    this.#child = child
  }

  session() {
    return new Session(this.baseUrl)
  }

  async stop() {
    await stop(this.#child)
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop()
  }
}

/** @param {import('./index.js').SandboxOptions} [options] */
export async function startSandbox(options = {}) {
  const { clock = 'manual', balance, seed, scenario, arguments: more = [], startTimeout = 30_000 } = options
  const given = Object.entries({ clock, balance, seed, scenario })
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `--${name}=${value}`)
  // A token or a base URL for another sandbox does not concern this one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INFRAI_')))
  const child = spawn(
    command(),
    ['sandbox', '--port', '0', '--file-port', '0', `--exit-with-parent=${process.pid}`, '-q', ...given, ...more],
    // The end of its standard input tells the sandbox that this process is gone.
    { env, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    // It is read only if the sandbox does not start.
    if (said.length < 10_000) said += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeout)
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    // After this event nothing more is to be read.
    once(child, 'close').then(() => '', String),
  ])
  clearTimeout(timer)
  if (!line.startsWith('http://')) {
    await stop(child)
    const how = child.signalCode ?? `exit status ${child.exitCode}`
    throw new SandboxError(`the sandbox did not start (${how}): ${said.trim() || line || 'no message'}`)
  }
  // A sandbox that nobody stops does not keep this process running.
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (stream)).unref()
  }
  return new Sandbox(line, child)
}

/** @param {import('node:child_process').ChildProcess} child */
async function stop(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.ref()
  child.kill()
  // A request may hang, as a rule may have asked for.
  const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await exit
  clearTimeout(timer)
}

// Not the global one, which may use a proxy: the sandbox is on this machine.
const agent = new Agent()

/**
 * @param {string} baseUrl
 * @param {string} account
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function admin(baseUrl, account, method, path, body) {
  const url = new URL(`/__sandbox/${path}`, baseUrl)
  url.searchParams.set('account', account)
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  let status
  let text = ''
  try {
    const call = request(url, { method, headers, agent, signal: AbortSignal.timeout(TIMEOUT) })
    call.end(body === undefined ? undefined : JSON.stringify(body))
    const [response] = /** @type {[import('node:http').IncomingMessage]} */ (await once(call, 'response'))
    status = response.statusCode
    for await (const chunk of response.setEncoding('utf8')) text += chunk
  } catch (error) {
    throw new SandboxError(`the sandbox at ${baseUrl} does not respond: ${error}`, { cause: error })
  }
  let value
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (status === 200) return value
  throw new SandboxError(`${method} ${url.pathname}: ${status}: ${value?.error ?? text.trim()}`)
}
