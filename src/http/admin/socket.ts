import { once } from 'node:events'
import { lstat, mkdir, rm, rmdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Component } from '../../core/component.ts'
import { DhtError } from '../../core/errors.ts'
import { findDirectoryFault } from '../../core/private-directory.ts'
import type { Logger } from '../../observability/logger.ts'

interface Options {
  readonly path: string
  /** Milliseconds that requests in flight get to finish when the listener stops. */
  readonly drainTimeoutMs: number
}

interface Deps {
  /** With the admin routes; this component starts and closes it. */
  readonly app: FastifyInstance
  readonly log: Logger
}

/** `sun_path` of unix(7) holds 108 bytes, one of them the terminator; a longer path would be cut silently. */
const MAX_PATH_BYTES = 107

/**
 * The admin API on a Unix socket. Its permissions are the whole access control: the directory is 0700 and ours, the
 * socket 0600, so only this user and root can connect.
 */
export class AdminSocket implements Component {
  readonly #path: string
  readonly #drainTimeoutMs: number
  readonly #deps: Deps
  #createdDirectory: string | undefined
  #stopped: Promise<void> | undefined

  constructor ({ path, drainTimeoutMs }: Options, deps: Deps) {
    this.#path = resolve(path)
    this.#drainTimeoutMs = drainTimeoutMs
    this.#deps = deps
    // Node keeps a connection open after the answer that was in flight when the listener closed; nobody else would end it.
    deps.app.addHook('onResponse', async () => {
      if (this.#stopped !== undefined) setImmediate(() => deps.app.server.closeIdleConnections())
    })
  }

  /** @throws {DhtError} Conflict when another daemon answers there, BadRequest when the place is not fit for the socket */
  async start (): Promise<void> {
    const { app, log } = this.#deps
    assertPathFits(this.#path)
    const directory = dirname(this.#path)
    if (await createDirectory(directory)) this.#createdDirectory = directory
    try {
      await assertPrivate(directory)
      await clearStaleSocket(this.#path)
      await app.ready()
      await listen(app, this.#path)
    } catch (err) {
      await this.stop()
      throw err
    }
    log.info({ event: 'listening', surface: 'admin', address: this.#path }, 'admin API listens')
  }

  async stop (): Promise<void> {
    await (this.#stopped ??= this.#close())
  }

  async #close (): Promise<void> {
    const { app, log } = this.#deps
    const impatience = setTimeout(() => {
      log.warn({ event: 'requests_cut_off', surface: 'admin', drain_ms: this.#drainTimeoutMs }, 'admin requests were cut off')
      app.server.closeAllConnections()
    }, this.#drainTimeoutMs)
    try {
      await app.close() // this also removes the socket, at once: a successor may bind while we drain
    } finally {
      clearTimeout(impatience)
    }
    // Not empty when a successor has bound there already: then it is the successor's.
    if (this.#createdDirectory !== undefined) await rmdir(this.#createdDirectory).catch(unlessCode('ENOTEMPTY', 'ENOENT'))
  }
}

function assertPathFits (path: string): void {
  const sizeBytes = Buffer.byteLength(path)
  if (sizeBytes <= MAX_PATH_BYTES) return
  throw new DhtError('BadRequest', `The admin socket's path has ${sizeBytes} bytes; the system allows ${MAX_PATH_BYTES}: ${path}`, {
    hint: 'Set admin.socket to a shorter path.',
  })
}

/** True when the directory was not there before. Parents are created as the process's umask has it. */
async function createDirectory (directory: string): Promise<boolean> {
  await mkdir(dirname(directory), { recursive: true })
  return await mkdir(directory, { mode: 0o700 }).then(() => true, unlessCode('EEXIST')) ?? false
}

async function assertPrivate (directory: string): Promise<void> {
  const fault = findDirectoryFault(await lstat(directory), process.getuid?.())
  if (fault === undefined) return
  throw new DhtError('BadRequest', `The directory of the admin socket ${fault}: ${directory}`, {
    hint: 'Make it a directory of this user with mode 0700, or set admin.socket to a path in one.',
  })
}

async function clearStaleSocket (path: string): Promise<void> {
  const stats = await lstat(path).catch(unlessCode('ENOENT'))
  if (stats === undefined) return
  if (!stats.isSocket()) {
    throw new DhtError('BadRequest', `There is something at the admin socket's path that is not a socket: ${path}`, {
      hint: 'Move it away, or set admin.socket to another path.',
    })
  }
  if (await isAnswered(path)) {
    throw new DhtError('Conflict', `Another daemon answers on the admin socket: ${path}`, {
      hint: 'Stop that daemon (see `ronctl status`), or set admin.socket to another path for this one.',
    })
  }
  await rm(path, { force: true })
}

/** Only a refused connection proves that nobody holds the socket; anything unclear counts as somebody. */
async function isAnswered (path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code !== 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

async function listen ({ server }: FastifyInstance, path: string): Promise<void> {
  // Binding happens within the call, so the socket is 0600 from its first moment, and nothing else runs under this umask.
  const umask = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await once(server, 'listening')
}

/** A handler that turns failures of these codes into undefined, and rethrows the others. */
function unlessCode (...codes: readonly string[]): (err: NodeJS.ErrnoException) => undefined {
  return err => {
    if (!codes.includes(err.code ?? '')) throw err
    return undefined
  }
}
