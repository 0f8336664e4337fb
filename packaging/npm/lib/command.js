// @ts-check
// Where the command `infrai-video` is: in the package of this platform.

import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Names another command to start. */
const VARIABLE = 'INFRAI_VIDEO_COMMAND'

/**
 * The command of this package, or the one that `INFRAI_VIDEO_COMMAND` names.
 * @returns {string}
 */
export function command() {
  const named = process.env[VARIABLE]
  if (named) {
    if (!runs(named)) throw new Error(`${VARIABLE} is ${named}, which is not a program`)
    return named
  }
  for (const name of names()) {
    const program = programOf(name)
    if (program === undefined) continue
    if (!runs(program)) throw new Error(`${program} is not executable: install infrai-video again`)
    return program
  }
  const { optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const platforms = Object.keys(optionalDependencies).map((name) => name.replace('infrai-video-', ''))
  const [name] = names()
  throw new Error(
    name !== undefined && name in optionalDependencies
      ? `the package ${name} is missing, which has the command: install infrai-video again without ` +
          `--omit=optional, or set ${VARIABLE} to a command of your own`
      : `there is no infrai-video for ${here()}, only for ${platforms.join(', ')}: ` +
          `set ${VARIABLE} to a command that you have built`,
  )
}

/** The packages that may have a command for this platform, the best one first. */
function names() {
  const name = `infrai-video-${process.platform}-${process.arch}`
  if (process.platform !== 'linux') return [name]
  // A musl command is static, and runs with glibc too.
  return isMusl() ? [`${name}-musl`] : [name, `${name}-musl`]
}

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
    return true
  } catch {
    return false
  }
}
