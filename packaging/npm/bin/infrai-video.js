#!/usr/bin/env node
// @ts-check
// Runs the command of this platform with the arguments, the standard streams and the signals of this process.

import { spawn } from 'node:child_process'
import { command, notAProgram } from '../lib/command.js'

/** @param {unknown} error */
function fail(error) {
  console.error(`error: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}

/** @param {string} program */
function start(program) {
  try {
    return spawn(program, process.argv.slice(2), { stdio: 'inherit' })
  } catch (error) {
    throw notAProgram(program, error)
  }
}

try {
  const program = command()
  const child = start(program)
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    // The terminal sends SIGINT to both; the command decides when to exit.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => fail(notAProgram(program, error)))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
} catch (error) {
  fail(error)
}
