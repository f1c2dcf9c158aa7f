import { fastify } from 'fastify'
import { serveUsage } from '../server-process.ts'

// The least that an HTTP server on the same framework can do: the bytes it was given, for every key.

const body = Buffer.from(process.argv[2] ?? '', 'base64')
const app = fastify()
app.get('/routing/v1/providers/:cid', async (_request, reply) => reply.type('application/json').send(body))
serveUsage({ url: await app.listen({ host: '127.0.0.1', port: 0 }) })
