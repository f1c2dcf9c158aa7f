import type { StatusSnapshot } from '../../../../src/http/ops/status/snapshot.ts'

export const SNAPSHOT: StatusSnapshot = {
  at: Date.UTC(2026, 0, 1),
  version: '0.0.0',
  profile: 'micronode',
  protocol: '/ron/kad/1.0.0',
  peerId: '12D3KooWExample',
  configDigest: 'b3:00',
  uptimeMs: 61_000,
  readiness: { ready: true, reasons: [] },
  connections: 3,
  records: 25_000,
  keys: 9000,
  values: 4,
  rssBytes: 150 * 2 ** 20,
  lagSeconds: 0.002,
  position: 0.25,
  peers: [0.1, 0.6],
  buckets: [{ bucket: 0, peers: 20 }, { bucket: 1, peers: 12 }],
  bucketSize: 20,
  rejected: [{ reason: 'key', count: 2 }, { reason: 'rate', count: 7 }, { reason: 'frame', count: 0 }],
  lookups: { count: 12, p50: 0.08, p95: 0.4, hopsP50: 2, hopsP99: 4 },
}
