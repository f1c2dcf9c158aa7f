import t from 'tap'
import { inlineJournal, startStore, tempFile } from './persistent-stores.ts'
import { providerStoreSuite } from './suite.ts'

providerStoreSuite(t, async t => {
  const { store, settled } = await startStore(t, { journal: inlineJournal(tempFile(t)) })
  await settled()
  return store
})
