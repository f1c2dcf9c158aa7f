import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import type { ProvideBody } from '../src/http/admin/wire.ts'

export interface AdminAnswer { readonly status: number, readonly body: unknown }

/** As the owner, where the daemon left the owner's capability beside its socket. */
function authorize (socketPath: string): { readonly authorization?: string } {
  const file = join(dirname(socketPath), 'admin.cap')
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {}
}

/** One request to a daemon's admin socket. */
export async function askAdmin (socketPath: string, method: string, path: string, body?: unknown): Promise<AdminAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const sent = request({ socketPath, method, path, headers: { ...authorize(socketPath), ...(payload !== undefined && { 'content-type': 'application/json' }) } }, response => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
  })
  sent.on('error', reject).end(payload)
  return await promise
}

/** Provides a key on behalf of the daemon's operator. */
export async function announce (socketPath: string, key: string): Promise<ProvideBody> {
  const { status, body } = await askAdmin(socketPath, 'POST', '/v1/providers', { key })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as ProvideBody
}
