import t from 'tap'
import type { Method } from '../../../../src/api/transport.ts'
import { requestInfo } from '../../../../src/control/request/request-info.ts'

t.test('a method and a URL say what is asked for', async (t) => {
  const cases: [method: Method, path: string, wanted: object][] = [
    ['GET', '/api/v1/pods', { verb: 'list', group: '', plural: 'pods', namespace: undefined }],
    ['GET', '/api/v1/namespaces/n/pods?watch=1', { verb: 'watch', namespace: 'n' }],
    ['GET', '/api/v1/namespaces/n/pods?watch=false', { verb: 'list' }],
    ['GET', '/api/v1/namespaces/n/pods/p', { verb: 'get', name: 'p' }],
    ['GET', '/api/v1/namespaces/n/pods/p/log', { verb: 'get', name: 'p', subresource: 'log' }],
    ['POST', '/api/v1/namespaces/n/pods', { verb: 'create', name: undefined }],
    ['POST', '/api/v1/namespaces/n/pods/p/binding', { verb: 'create', name: 'p', subresource: 'binding' }],
    ['PUT', '/apis/apps/v1/namespaces/n/deployments/d/scale', { verb: 'update', group: 'apps', subresource: 'scale' }],
    ['PATCH', '/api/v1/nodes/n1', { verb: 'patch', plural: 'nodes', name: 'n1', namespace: undefined }],
    ['DELETE', '/api/v1/namespaces/n/pods', { verb: 'deletecollection' }],
    ['GET', '/api/v1/namespaces', { verb: 'list', plural: 'namespaces' }],
    ['GET', '/api/v1/namespaces/n', { verb: 'get', plural: 'namespaces', name: 'n', namespace: undefined }],
    ['PUT', '/api/v1/namespaces/n/finalize', { plural: 'namespaces', name: 'n', subresource: 'finalize' }],
    ['GET', '/api/v1/namespaces/n/pods/a%2Fb', { name: 'a/b' }],
    ['GET', '/api/v1', { kind: 'path', verb: 'get', path: '/api/v1' }],
    ['GET', '/apis/apps/v1', { kind: 'path' }],
    ['GET', '/healthz', { kind: 'path' }],
    ['PUT', '/api/v1/namespaces/n/pods', { kind: 'resource', verb: 'update', name: undefined }],
    ['GET', '/api/v1/namespaces/%zz/pods', { kind: 'path' }],
    ['GET', '/api/v1/namespaces/n/pods/p/exec', { verb: 'create', subresource: 'exec' }],
    ['GET', '/api/v1/namespaces/n/pods/p/attach', { verb: 'create' }],
    ['GET', '/api/v1/namespaces/n/pods/p/exec/more', { verb: 'create' }],
    ['GET', '/api/v1/namespaces/n/pods/p/%70ortforward', { verb: 'create' }],
    ['GET', '/apis/x.io/v1/namespaces/n/pods/p/exec', { verb: 'get' }],
    ['GET', '/api/v1/namespaces/n/services/s:80/proxy/a/b', { verb: 'get', name: 's:80', subresource: 'proxy' }],
    ['DELETE', '/api/v1/namespaces/n/pods/p/proxy/', { verb: 'delete', name: 'p', subresource: 'proxy' }],
    ['GET', '/api/v1/namespaces/n/pods/p/proxy/exec', { verb: 'get' }],
    ['GET', '/api/v1/nodes/n:10250/proxy/pods', { verb: 'get', subresource: 'proxy' }],
    ['GET', '/api/v1/nodes/n/proxy/%65xec/n/p/c', { verb: 'create', subresource: 'proxy' }],
    ['GET', '/api/v1/nodes/n/proxy//attach/n/p/c', { verb: 'create' }],
    ['GET', '/api/v1/nodes/n/proxy/x/../portForward/n/p', { verb: 'create' }],
  ]
  for (const [method, path, wanted] of cases) {
    const url = new URL(path, 'https://x')
    t.match(requestInfo(method, url.pathname, url.searchParams), wanted, `${method} ${path}`)
  }
})
