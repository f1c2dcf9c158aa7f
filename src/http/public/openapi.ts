/** The public API as OpenAPI 3.1. A test holds its paths, methods and statuses to what the server really does. */
export function openapi ({ ipnsPut, ethereumIdentity = false }: { readonly ipnsPut: boolean, readonly ethereumIdentity?: boolean }) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'svc-dht public API',
      summary: 'Delegated Routing V1: who provides a key, where a peer is, who is closest to a key, what a name points to; and the audit log.',
      description: 'Follows https://specs.ipfs.tech/routing/http-routing-v1/ with IPIP-476, IPIP-484 and IPIP-513.',
      version: '1.0.0',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/routing/v1/providers/{cid}': {
        get: {
          operationId: 'getProviders',
          summary: 'Who provides the key.',
          parameters: [
            path('cid', 'A CID of any version, codec and hash; a multihash; or b3:<64 hex digits>.'), ...FILTERS,
          ],
          responses: listResponses('Providers'),
        },
      },
      '/routing/v1/peers/{id}': {
        get: {
          operationId: 'getPeers',
          summary: 'Where the peer can be reached.',
          parameters: [path('id', 'A peer ID: multihash in base58btc, or CIDv1 with codec libp2p-key.'), ...FILTERS],
          responses: listResponses('Peers'),
        },
      },
      '/routing/v1/dht/closest/peers/{key}': {
        get: {
          operationId: 'getClosestPeers',
          summary: 'The peers closest to the key, nearest first.',
          parameters: [path('key', 'A CID, a peer ID, a multihash, or b3:<64 hex digits>.'), ...FILTERS],
          responses: listResponses('Peers'),
        },
      },
      '/routing/v1/ipns/{name}': {
        get: {
          operationId: 'getIpns',
          summary: 'The newest record of the name. Any content type but the record’s means that there is none.',
          parameters: [path('name', 'An IPNS name: CIDv1 with codec libp2p-key.')],
          responses: {
            200: { description: 'The record, or a text that says there is none.', content: { [IPNS]: {}, 'text/plain': { schema: { type: 'string' } } } },
            304: { description: 'The client has this record.' },
            400: refusal('Not an IPNS name.'),
            406: refusal(`Accept must name ${IPNS}.`),
            504: refusal('The network did not answer in time.'),
            ...COMMON_REFUSALS,
          },
        },
        ...(ipnsPut ? { put: PUT_IPNS } : {}),
      },
      ...AUDIT_PATHS,
      ...DISCV5_PATHS,
      ...(ethereumIdentity ? ETHEREUM_PATHS : {}),
      '/openapi.json': {
        get: {
          operationId: 'getDescription',
          summary: 'This document.',
          responses: { 200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } }, ...COMMON_REFUSALS },
        },
      },
    },
    components: { schemas: SCHEMAS },
  }
}

const IPNS = 'application/vnd.ipfs.ipns-record'

const SCHEMAS = {
  Peer: {
    type: 'object',
    required: ['Schema', 'ID', 'Addrs', 'Protocols'],
    properties: {
      Schema: { const: 'peer' },
      ID: { type: 'string', description: 'Peer ID in base58btc.' },
      Addrs: { type: 'array', items: { type: 'string' }, description: 'Multiaddrs, in the order to dial them. Empty: not known.' },
      Protocols: { type: 'array', items: { type: 'string' }, description: 'Transfer protocols. Empty: not known.' },
    },
  },
  Error: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'message', 'retryable', 'ts', 'request_id'],
        properties: {
          code: { type: 'string' },
          message: { type: 'string' },
          retryable: { type: 'boolean', description: 'True when the same request may succeed later.' },
          hint: { type: 'string', description: 'What to do next.' },
          ts: { type: 'string', format: 'date-time' },
          request_id: { type: 'string', description: 'Also in the header X-Request-Id and in the log.' },
        },
      },
    },
  },
}

const COMMON_REFUSALS = {
  429: refusal('Too many requests from one network, or too many lookups; Retry-After says when to come back.'),
  500: refusal('A fault of ours.'),
  503: refusal('Too many requests in flight, or the network could not be asked; Retry-After says when to come back.'),
}

const FILTERS = [
  query('filter-addrs', 'IPIP-484: names of address protocols, `!` in front to exclude, `unknown` for peers without addresses.'),
  query('filter-protocols', 'IPIP-484: names of transfer protocols, `unknown` for peers whose protocols are not known.'),
]

const PUT_IPNS = {
  operationId: 'putIpns',
  summary: 'Publishes a record of the name.',
  parameters: [path('name', 'An IPNS name: CIDv1 with codec libp2p-key.')],
  requestBody: { required: true, content: { [IPNS]: {} } },
  responses: {
    200: { description: 'Published.' },
    400: refusal('The record or the name is not valid, or a newer record is held.'),
    406: refusal(`Content-Type must be ${IPNS}.`),
    413: refusal('The body is larger than 1 MiB.'),
    504: refusal('The network did not answer in time.'),
    ...COMMON_REFUSALS,
  },
}

const AUDIT_PATHS = {
  '/audit/checkpoint': {
    get: {
      operationId: 'getCheckpoint',
      summary: 'The signed head of the audit log: https://c2sp.org/tlog-checkpoint.',
      responses: {
        200: { description: 'A signed note: origin, size, root, signatures.', content: { 'text/plain': { schema: { type: 'string' } } } },
        404: refusal('There is no checkpoint yet.'),
        ...COMMON_REFUSALS,
      },
    },
  },
  '/audit/tile/{tile}': {
    get: {
      operationId: 'getTile',
      summary: 'Hashes or entries of the audit log: https://c2sp.org/tlog-tiles.',
      description: 'The rest of the path has slashes of its own: <level>/<index>[.p/<width>] or entries/<index>[.p/<width>], the index as x001/x234/067.',
      parameters: [path('tile', 'Which tile.')],
      responses: {
        200: { description: 'A tile, the same for ever.', content: { 'application/octet-stream': {} } },
        404: refusal('The log has no such tile, or not yet.'),
        ...COMMON_REFUSALS,
      },
    },
  },
}

const DISCV5_PATHS = {
  '/v1/discv5/enr': {
    get: {
      operationId: 'getRecord',
      summary: 'The record of the discv5 node, to join through: https://eips.ethereum.org/EIPS/eip-778.',
      responses: {
        200: {
          description: 'The signed record.',
          content: {
            'text/plain': { schema: { type: 'string', pattern: '^enr:' } },
            'application/json': {
              schema: {
                type: 'object',
                required: ['node_id', 'seq', 'enr'],
                properties: { node_id: { type: 'string', pattern: '^[0-9a-f]{64}$' }, seq: { type: 'string', description: 'Decimal: it has 64 bits.' }, enr: { type: 'string' } },
              },
            },
          },
        },
        304: { description: 'The client has this record.' },
        404: refusal('This daemon is not a discv5 node.'),
        406: refusal('Neither text/plain nor application/json is accepted.'),
        ...COMMON_REFUSALS,
      },
    },
  },
}

const ETHEREUM_PATHS = {
  '/eth/v1/node/identity': {
    get: {
      operationId: 'getNetworkIdentity',
      summary: 'Peer ID, record and addresses, as the Beacon API has them: https://ethereum.github.io/beacon-APIs/#/Node/getNetworkIdentity.',
      responses: {
        200: { description: 'The identity.', content: { 'application/json': { schema: { type: 'object', required: ['data'] } } } },
        404: refusal('This daemon is not a discv5 node.'),
        ...COMMON_REFUSALS,
      },
    },
  },
  '/': {
    post: {
      operationId: 'callMethod',
      summary: 'JSON-RPC 2.0 with the one method discv5_nodeInfo, which gives enr and nodeId.',
      requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
      responses: {
        200: { description: 'The result, or an error of JSON-RPC.', content: { 'application/json': { schema: { type: 'object', required: ['jsonrpc', 'id'] } } } },
        204: { description: 'It was a notification.' },
        413: refusal('The body is larger than 16 KiB.'),
        ...COMMON_REFUSALS,
      },
    },
  },
}

function listResponses (listName: string) {
  const peer = { $ref: '#/components/schemas/Peer' }
  return {
    200: {
      description: 'What was found, also when that is nothing. NDJSON has one peer on each line, sent as it is found.',
      headers: {
        'Routing-Truncated': {
          description: 'Why there may be more. In a stream it is a trailer; a stream that failed breaks off.',
          schema: { enum: ['deadline', 'limit', 'error'] },
        },
      },
      content: {
        'application/json': { schema: { type: 'object', required: [listName], properties: { [listName]: { type: 'array', items: peer } } } },
        'application/x-ndjson': { schema: peer },
      },
    },
    304: { description: 'Nothing changed since the date in If-Modified-Since.' },
    406: refusal('Neither application/json nor application/x-ndjson is accepted.'),
    422: refusal('The key or a filter is not valid.'),
    ...COMMON_REFUSALS,
  }
}

function path (name: string, description: string) {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } }
}

function query (name: string, description: string) {
  return { name, in: 'query', required: false, description, style: 'form', explode: false, schema: { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 32 } }
}

function refusal (description: string) {
  return { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }
}
