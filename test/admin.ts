import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import type { ProvideBody } from '../src/http/admin/wire.ts'

export interface AdminAnswer { readonly status: number, readonly body: unknown }

/** As the owner: a test's daemon leaves the owner's capability beside its socket, a macronode in its data directory. */
function authorize (socketPath: string, capFile: string | undefined): { readonly authorization?: string } {
  const file = capFile ?? join(dirname(socketPath), 'admin.cap')
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {}
}

/** One request to a daemon's admin socket. */
export async function askAdmin (socketPath: string, method: string, path: string, body?: unknown, capFile?: string): Promise<AdminAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const sent = request({ socketPath, method, path, headers: { ...authorize(socketPath, capFile), ...(payload !== undefined && { 'content-type': 'application/json' }) } }, response => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
  })
  sent.on('error', reject).end(payload)
  return await promise
}

/** Provides a key on behalf of the daemon's operator. */
export async function announce (socketPath: string, key: string, capFile?: string): Promise<ProvideBody> {
  const { status, body } = await askAdmin(socketPath, 'POST', '/v1/providers', { key }, capFile)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as ProvideBody
}
