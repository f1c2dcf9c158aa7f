import t from 'tap'
import { accessOf, isPermission, PERMISSIONS, ROLES, ROUTES, routesAt } from '../../src/policy/permissions.ts'

t.test('a permission is in the list once, and nothing else is one', async t => {
  t.equal(new Set(PERMISSIONS).size, PERMISSIONS.length)
  t.ok(isPermission('provider:write'))
  for (const other of ['provider', 'Provider:write', '', 'public', '__proto__']) t.notOk(isPermission(other), other)
})

t.test('every row asks for a permission of the list, or is public in as many words', async t => {
  for (const rows of Object.values(ROUTES)) {
    for (const [route, access] of Object.entries(rows)) t.ok(access === 'public' || isPermission(access), route)
  }
})

t.test('no admin route is public', async t => {
  t.same(Object.entries(ROUTES.admin).filter(([, access]) => access === 'public'), [])
})

t.test('HEAD asks what GET asks; an unknown method or path has no row', async t => {
  t.equal(accessOf('admin', 'HEAD', '/v1/status'), 'status:read')
  t.equal(accessOf('admin', 'PATCH', '/v1/status'), undefined)
  t.equal(accessOf('admin', 'GET', '/v1/nothing'), undefined)
  t.equal(accessOf('public', 'GET', '/v1/status'), undefined, 'of another surface')
})

t.test('the routes of a path are found with what they ask, on whichever surface they are', async t => {
  t.strictSame(routesAt('HEAD', '/v1/records/x'), [{ surface: 'admin', route: 'GET /v1/records/:key', access: 'record:read' }])
  t.strictSame(routesAt('GET', '/audit/tile/0/000').map(({ route }) => route), ['GET /audit/tile/*'])
  t.strictSame(routesAt('OPTIONS', '/any/thing').map(({ route }) => route), ['OPTIONS *'])
  t.strictSame(routesAt('GET', '/v1/records'), [])
  t.strictSame(routesAt('PATCH', '/v1/status'), [])
})

t.test('the roles keep their boundaries', async t => {
  t.same(ROLES.auditor.filter(permission => !permission.endsWith(':read')), ['governance:dispute'], 'the auditor reads and disputes')
  for (const denied of ['governance:approve', 'governance:veto', 'cap:mint', 'membership:approve'] as const) t.notOk(ROLES.ops.includes(denied), `ops: ${denied}`)
  t.notOk(ROLES.security.includes('ops:degraded'), 'security: ops:degraded')
  for (const allowed of ['ops:degraded', 'governance:execute'] as const) t.ok(ROLES.ops.includes(allowed), `ops: ${allowed}`)
  for (const role of ['owner', 'security'] as const) t.ok(ROLES[role].includes('governance:execute'), `${role}: governance:execute`)
  for (const [role, permissions] of Object.entries(ROLES)) t.equal(new Set(permissions).size, permissions.length, `${role} names each once`)
})
