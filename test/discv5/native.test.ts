import { makeNative } from './engines.ts'
import { holdToPort } from './suite.ts'

holdToPort('native', makeNative)
