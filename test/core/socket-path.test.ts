import t from 'tap'
import { defaultSocketPath } from '../../src/core/socket-path.ts'

t.test('the admin socket is in the runtime directory of the user', async t => {
  t.equal(defaultSocketPath('/run/user/1000', 1000), '/run/user/1000/svc-dht/admin.sock')
})

t.test('without a runtime directory each user has one of its own', async t => {
  t.equal(defaultSocketPath(undefined, 1000), '/tmp/svc-dht-1000/admin.sock')
  t.equal(defaultSocketPath('', 0), '/tmp/svc-dht-0/admin.sock')
})
