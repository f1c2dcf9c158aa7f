import fastify from 'fastify'
import type { JsonSchema } from '../../src/governance/form.ts'

export type Validator = (value: unknown) => boolean

/**
 * Validators by fastify's own compiler, an Ajv that nothing is coerced or added by. Its dialect is draft 7: the words
 * that our schemas use mean the same in 2020-12.
 */
export async function compile (schemas: readonly JsonSchema[]): Promise<readonly Validator[]> {
  const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true } } })
  try {
    const compiled: Validator[] = []
    app.get('/', async request => {
      for (const schema of schemas) {
        const validate = request.compileValidationSchema(Object.fromEntries(Object.entries(schema).filter(([word]) => word !== '$schema' && word !== '$id')))
        compiled.push(value => validate(value as object))
      }
      return 'compiled'
    })
    const { statusCode, body } = await app.inject('/')
    if (statusCode !== 200) throw new Error(body)
    return compiled
  } finally {
    await app.close()
  }
}
