import type { Sample, StatusSnapshot } from '../../../../src/http/ops/status/snapshot.ts'

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
  audit: { size: 1200, published: 1199, root: 'ab'.repeat(32), signedAt: Date.UTC(2026, 0, 1) - 30_000, refusal: undefined },
  agenda: undefined,
  discv5: { nodes: 7, liveNodes: 6, sessions: 9, distances: [{ distance: 256, nodes: 4 }, { distance: 255, nodes: 3 }] },
  lookups: {
    count: 12,
    p50: 0.08,
    p95: 0.4,
    hopsP50: 2,
    hopsP99: 4,
    seconds: [{ upTo: 0.05, count: 2 }, { upTo: 0.1, count: 6 }, { upTo: 0.25, count: 3 }, { upTo: 0.5, count: 1 }, { upTo: 1, count: 0 }, { upTo: Number.POSITIVE_INFINITY, count: 0 }],
    hops: [{ upTo: 1, count: 3 }, { upTo: 2, count: 5 }, { upTo: 3, count: 3 }, { upTo: 4, count: 1 }, { upTo: 5, count: 0 }, { upTo: Number.POSITIVE_INFINITY, count: 0 }],
  },
}

export const SAMPLE: Sample = { at: 0, records: 0, peers: 0, lagSeconds: 0, rssBytes: 0, lookups: 0, rejected: 0 }
