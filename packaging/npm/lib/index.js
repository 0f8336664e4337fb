// @ts-check
// A sandbox in a process of its own, and sessions in it. index.d.ts has the descriptions.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { CommandNotFound, command, notAProgram } from './command.js'

export { CommandNotFound, command }

/** Of a call of the admin API, in milliseconds. */
const TIMEOUT = 10_000

export class SandboxError extends Error {
  /** @override */
  name = 'SandboxError'
}

export class Session {
  #adminToken
  #child

  /**
   * @param {string} baseUrl
   * @param {string} [adminToken]
   * @param {import('node:child_process').ChildProcess} [child] the sandbox, if this process has started it
   */
  constructor(baseUrl, adminToken, child) {
    this.baseUrl = baseUrl
    this.apiKey = `ifr_pk_${randomBytes(16).toString('hex')}`
    this.#adminToken = adminToken
    this.#child = child
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
  async #call(method, path, body) {
    const url = new URL(`/__sandbox/${path}`, this.baseUrl)
    url.searchParams.set('account', this.apiKey)
    let response
    try {
      response = await fetchText(url, method, this.#adminToken, body)
    } catch (error) {
      const status = this.#child && statusOf(this.#child)
      const problem = status === undefined ? error : `it has exited with ${status}`
      throw new SandboxError(`the sandbox at ${this.baseUrl} does not respond: ${problem}`, { cause: error })
    }
    const { status, text } = response
    let value
    try {
      value = JSON.parse(text)
    } catch {
      value = undefined
    }
    if (status === 200) return value
    throw new SandboxError(`${method} ${url.pathname}: ${status}: ${value?.error ?? text.trim()}`)
  }
}

export class Sandbox extends Session {
  #adminToken
  #child

  /**
   * @param {string} baseUrl
   * @param {string | undefined} adminToken
   * @param {import('node:child_process').ChildProcess} child
   */
  constructor(baseUrl, adminToken, child) {
    super(baseUrl, adminToken, child)
    this.#adminToken = adminToken
    this.#child = child
  }

  session() {
    return new Session(this.baseUrl, this.#adminToken, this.#child)
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
  const { clock, balance, seed, scenario, port, adminToken, arguments: more = [], startTimeout = 30_000 } = options
  const own = { clock: clock ?? 'manual', balance, seed, scenario, port: port ?? 0 }
  for (const [name] of more.map((argument) => argument.split('='))) {
    if (name === '--exit-with-parent') throw new SandboxError(`${name} is always set: remove it from arguments`)
    const option = name === '--admin-token' ? 'adminToken' : Object.keys(own).find((own) => name === `--${own}`)
    if (option !== undefined) throw new SandboxError(`instead of ${name} in arguments, use the option ${option}`)
  }
  const given = Object.entries(own)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `--${name}=${value}`)
  // A token or a base URL for another sandbox does not concern this one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INFRAI_')))
  if (adminToken !== undefined) env.INFRAI_SANDBOX_ADMIN_TOKEN = adminToken
  const program = command()
  let child
  try {
    child = spawn(
      program,
      ['sandbox', `--exit-with-parent=${process.pid}`, '-q', ...given, ...more],
      // The end of its standard input tells the sandbox that this process is gone.
      { env, stdio: ['pipe', 'pipe', 'pipe'] },
    )
  } catch (error) {
    throw notAProgram(program, error)
  }
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    // It is read only if the sandbox does not start.
    if (said.length < 10_000) said += text
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeout)
  const lines = createInterface({ input: child.stdout })
  let line
  try {
    line = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      // After this event nothing more is to be read.
      once(child, 'close').then(() => ''),
    ])
  } catch (error) {
    throw notAProgram(program, error)
  } finally {
    clearTimeout(timer)
  }
  if (!line.startsWith('http://')) {
    await stop(child)
    throw new SandboxError(`the sandbox did not start (${statusOf(child)}): ${said.trim() || line || 'no message'}`)
  }
  // A sandbox that nobody stops does not keep this process running.
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (stream)).unref()
  }
  return new Sandbox(line, adminToken, child)
}

/**
 * How a process has ended, if it has.
 * @param {import('node:child_process').ChildProcess} child
 */
function statusOf({ exitCode, signalCode }) {
  return signalCode ?? (exitCode === null ? undefined : `exit status ${exitCode}`)
}

/** @param {import('node:child_process').ChildProcess} child */
async function stop(child) {
  if (child.pid === undefined || statusOf(child) !== undefined) return
  const exit = once(child, 'exit')
  child.ref()
  // The sandbox stops at this, even while requests hang.
  child.stdin?.end()
  const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await exit
  clearTimeout(timer)
}

// Not the global one, which may use a proxy: the sandbox is on this machine.
const agent = new Agent()

/**
 * @param {URL} url
 * @param {string} method
 * @param {string} [adminToken]
 * @param {object} [body]
 */
async function fetchText(url, method, adminToken, body) {
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(adminToken !== undefined && { authorization: `Bearer ${adminToken}` }),
  }
  const call = request(url, { method, headers, agent, signal: AbortSignal.timeout(TIMEOUT) })
  call.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = /** @type {[import('node:http').IncomingMessage]} */ (await once(call, 'response'))
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, text }
}
