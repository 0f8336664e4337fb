// @ts-check
// Where the command `infrai-video` is: in the package of this platform.

import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Names another command to start. */
const VARIABLE = 'INFRAI_VIDEO_COMMAND'

/** There is no command that runs here. */
export class CommandNotFound extends Error {
  /** @override */
  name = 'CommandNotFound'
}

/**
 * The command of this package, or the one that `INFRAI_VIDEO_COMMAND` names.
 * @returns {string}
 */
export function command() {
  const named = process.env[VARIABLE]
  if (named) {
    if (!runs(named)) throw new CommandNotFound(`${VARIABLE} is ${named}: it must be the path of the command`)
    return named
  }
  const name = `infrai-video-${here()}`
  const program = programOf(name)
  if (program !== undefined) {
    if (!runs(program)) throw new CommandNotFound(`${program} is not executable: install infrai-video again`)
    return program
  }
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const platforms = Object.keys(optionalDependencies).map((name) => name.replace('infrai-video-', ''))
  throw new CommandNotFound(
    name in optionalDependencies
      ? `the package ${name} is missing, which has the command: install infrai-video again without ` +
          `--omit=optional, or set ${VARIABLE} to the path of a command of your own`
      : `there is no infrai-video for ${here()}, only for ${platforms.join(', ')}: ` +
          `set ${VARIABLE} to the path of a command that you have built`,
  )
}

/**
 * The system does not start it.
 * @param {string} program
 * @param {unknown} error
 */
export function notAProgram(program, error) {
  const { message } = /** @type {Error} */ (error)
  return new CommandNotFound(
    `${program} cannot be started: ${message}: install infrai-video again; ` +
      `if ${VARIABLE} is set, it must be the path of the command`,
    { cause: error },
  )
}

/** The platform, as in the name of its package. */
function here() {
  return `${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`
}

function isMusl() {
  if (process.platform !== 'linux') return false
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  return report.header.glibcVersionRuntime === undefined
}

/** @param {string} name */
function programOf(name) {
  try {
    const directory = dirname(require.resolve(`${name}/package.json`))
    return join(directory, process.platform === 'win32' ? 'infrai-video.exe' : 'infrai-video')
  } catch {
    return undefined
  }
}

/** @param {string} path */
function runs(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
