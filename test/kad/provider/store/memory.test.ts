import t from 'tap'
import { MemoryProviderStore } from '../../../../src/kad/provider/store/memory.ts'
import { providerStoreSuite } from './suite.ts'

providerStoreSuite(t, () => new MemoryProviderStore())
