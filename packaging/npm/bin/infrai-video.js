#!/usr/bin/env node
// @ts-check
// Runs the command of this platform with the arguments, the standard streams and the signals of this process.

import { spawn } from 'node:child_process'
import { command } from '../lib/command.js'

/** @type {string} */
let program
try {
  program = command()
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' })
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  // The terminal sends SIGINT to both; the command decides when to exit.
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('error', (error) => {
  console.error(`error: ${program} cannot be started: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
