// What a project does that has only installed the npm packages. Run by `cargo xtask test --only dist`.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CommandNotFound, command, Sandbox, SandboxError, Session, startSandbox } from 'infrai-video'

/** @type {Sandbox} */
let sandbox
before(async () => {
  sandbox = await startSandbox()
})
after(() => sandbox.stop())

/**
 * @param {Session} session
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function call(session, path, body) {
  const response = await fetch(session.baseUrl + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${session.apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': 'key-1',
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: response.status, .../** @type {any} */ (await response.json()).data }
}

/**
 * A client that retries once, under the same idempotency key.
 * @param {Session} session
 */
async function generate(session) {
  const send = () => call(session, '/v1/video/generate', { prompt: 'a city at dusk', duration_seconds: 2 })
  return send().catch(send)
}

test('a lost response is charged once', async () => {
  const session = sandbox.session()
  await session.faults({ operation: 'generate', nth: 1, action: 'accept_then_drop' })
  const { job_id } = await generate(session)
  assert.equal((await call(session, `/v1/video/status/${job_id}`)).state, 'queued')
  await session.advance(60)
  assert.equal((await call(session, `/v1/video/status/${job_id}`)).state, 'succeeded')
  const { entries, double_charges } = await session.ledger()
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'charge').map((entry) => entry.job_id),
    [job_id],
  )
  assert.equal(double_charges, 0)
  assert.deepEqual((await session.faults()).map(({ acted }) => acted), [1])
  assert.deepEqual((await session.journal()).map(({ fault }) => fault).slice(0, 2), ['accept_then_drop', null])
})

test('sessions do not see each other', async () => {
  const [one, other] = [sandbox.session(), sandbox.session()]
  await one.faults([{ operation: 'generate', action: 'status', status: 503 }])
  assert.equal((await generate(one)).status, 503)
  assert.equal((await generate(other)).status, 200)
  await other.advance(60)
  assert.deepEqual((await other.jobs()).map(({ state }) => state), ['succeeded'])
  assert.deepEqual([await one.jobs(), await other.faults()], [[], []])
  await other.reset()
  assert.deepEqual([(await other.jobs()).length, (await other.journal()).length], [0, 0])
  assert.equal((await one.journal()).length, 1)
})

test('a wrong rule is explained', async () => {
  await assert.rejects(sandbox.faults({ action: 'accept_then_dro' }), (error) => {
    assert.ok(error instanceof SandboxError)
    assert.match(error.message, /422.*accept_then_drop/)
    return true
  })
})

test('two sandboxes run at once, and one that has stopped does not respond', async () => {
  const other = await startSandbox({ clock: 'real', balance: 5 })
  assert.notEqual(other.baseUrl, sandbox.baseUrl)
  await generate(other)
  assert.deepEqual(Object.values((await other.ledger()).balances), [4.96])
  await other[Symbol.asyncDispose]()
  await other.stop()
  await assert.rejects(other.session().jobs(), /does not respond: it has exited with exit status 0/)
})

test('a sandbox that does not start says why', async () => {
  await assert.rejects(startSandbox({ arguments: ['--no-such-option'] }), /exit status 2.*--no-such-option/)
  await assert.rejects(startSandbox({ arguments: ['--clock=real'] }), /instead of --clock .*the option clock/)
})

test('a port and an admin token of ones own', async () => {
  const one = await startSandbox({ adminToken: '0123456789abcdef' })
  await one.session().advance(60)
  const jobs = `${one.baseUrl}/__sandbox/jobs`
  assert.equal((await fetch(jobs)).status, 401)
  const port = Number(new URL(one.baseUrl).port)
  await assert.rejects(startSandbox({ port }), new RegExp(`${port}.*in use`))
  await one.stop()
})

test('a sandbox stops while a call hangs', async () => {
  const one = await startSandbox()
  await one.faults({ operation: 'generate', action: 'hang' })
  const { port } = new URL(one.baseUrl)
  const connection = createConnection(Number(port), '127.0.0.1').on('error', () => {})
  connection.write(
    `POST /v1/video/generate HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${one.apiKey}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{"prompt": "a"}',
  )
  while ((await one.journal()).length === 0);
  await one.stop()
  await assert.rejects(one.jobs(), /exit status 0/, 'it was not killed')
})

test('the command is that of the platform, and the shim passes on streams, signals and the status', async () => {
  assert.match(command(), /node_modules\/infrai-video-linux-x64\/infrai-video$/)
  const shim = (/** @type {string[]} */ ...args) =>
    spawnSync('infrai-video', args, { encoding: 'utf8', env: { ...process.env, ...sandbox.environment } })
  const listed = shim('list', '--json', '--ledger', 'none')
  assert.deepEqual([listed.status, JSON.parse(listed.stdout)], [0, { items: [] }], listed.stderr)
  assert.equal(shim('no-such-command').status, 2)

  const server = spawn('infrai-video', ['sandbox', '--port', '0', '-q'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(server.stdout, 'data')
  assert.match(String(line), /^http:/)
  server.kill('SIGTERM')
  assert.deepEqual(await once(server, 'exit'), [143, null])
})

test('a killed test run leaves no sandbox', async () => {
  const script = join(import.meta.dirname, 'hangs.mjs')
  writeFileSync(
    script,
    "const { startSandbox } = await import('infrai-video')\n" +
      'console.log((await startSandbox()).baseUrl)\nprocess.stdin.resume()\n',
  )
  const run = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(run.stdout, 'data')
  const connection = createConnection(Number(new URL(String(line).trim()).port), '127.0.0.1')
  await once(connection, 'connect')
  // The sandbox closes its connections when it stops, or the system resets them.
  const closed = new Promise((resolve) => connection.on('error', () => {}).on('close', resolve))
  run.kill('SIGKILL')
  connection.resume()
  await closed
})

test('a program that forgets its sandbox ends all the same', () => {
  const script = "import('infrai-video').then(({ startSandbox }) => startSandbox())"
  const { status } = spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, timeout: 20_000 })
  assert.equal(status, 0)
})

test('a command that is missing, for another platform or no program is explained', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'infrai-video-'))
  cpSync(new URL('.', import.meta.resolve('infrai-video/package.json')), directory, { recursive: true })
  const run = (/** @type {string[]} */ ...args) => spawnSync(process.execPath, args, { encoding: 'utf8' })
  const shim = join(directory, 'bin/infrai-video.js')
  const missing = run(shim)
  assert.equal(missing.status, 1)
  assert.match(missing.stderr, /^error: the package infrai-video-linux-x64 is missing.*--omit=optional/)
  const elsewhere = `Object.defineProperty(process, 'platform', { value: 'sunos' }); import('${shim}')`
  const { status, stderr } = run('-e', elsewhere)
  assert.equal(status, 1)
  assert.match(stderr, /^error: there is no infrai-video for sunos-x64, only for linux-x64, .*win32-x64: /)

  const program = join(directory, 'no-program')
  writeFileSync(program, '#!/no/such/program\n')
  chmodSync(program, 0o755)
  for (const named of [directory, program]) {
    const { status, stderr } = spawnSync(process.execPath, [shim], {
      encoding: 'utf8',
      env: { ...process.env, INFRAI_VIDEO_COMMAND: named },
    })
    assert.equal(status, 1)
    assert.match(stderr, /^error: .*it must be the path of the command\n$/)
  }
  process.env.INFRAI_VIDEO_COMMAND = program
  await assert.rejects(startSandbox(), (error) => error instanceof CommandNotFound && /ENOENT/.test(error.message))
  delete process.env.INFRAI_VIDEO_COMMAND
})
