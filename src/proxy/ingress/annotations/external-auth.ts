/** Another server decides who may ask. */
import { defined, idle, type Part, type Reading, type Rows, unserved, type Values } from './row.ts'
import { clientUrl, method, serverUrl, smallToken, template } from './text.ts'
import { list, wrong } from './value.ts'

const queryName = (text: string): string =>
  /^[\w.-]{1,64}$/.test(text) ? text : wrong('expected the name of a query field')

const asked = idle('the auth server is asked for every request')
const pooled = idle('connections to the auth server are kept as those to backends are')

export const externalAuthRows = {
  'auth-url': { read: serverUrl, guards: true },
  'auth-method': { read: method },
  'auth-signin': { read: clientUrl },
  'auth-signin-redirect-param': { read: queryName },
  'auth-response-headers': { read: list(smallToken) },
  'auth-request-redirect': { read: template },
  'auth-proxy-set-headers': unserved('not served: the auth server gets the fields of the request, and no others'),
  'auth-cache-key': asked,
  'auth-cache-duration': asked,
  'auth-keepalive': pooled,
  'auth-keepalive-requests': pooled,
  'auth-keepalive-timeout': pooled,
  'auth-keepalive-share-vars': pooled,
  'auth-always-set-cookie': idle('cookies of the auth server go to clients with every 2xx, 401 and 403'),
  'enable-global-auth': idle('there is no auth server for all Ingresses'),
} satisfies Rows

const dependents = ['auth-method', 'auth-signin', 'auth-response-headers', 'auth-request-redirect'] as const

export const externalAuth = (values: Values<typeof externalAuthRows>, { isBroken, tell }: Reading): Part => {
  const url = values['auth-url']
  if (url === undefined) {
    for (const key of dependents)
      if (values[key] !== undefined && !isBroken('auth-url')) tell('warning', key, 'has no effect without auth-url')
    return {}
  }
  return {
    policy: {
      externalAuth: {
        url,
        responseHeaders: values['auth-response-headers'] ?? [],
        signInRedirectParam: values['auth-signin-redirect-param'] ?? 'rd',
        ...defined({
          method: values['auth-method'],
          signIn: values['auth-signin'],
          requestRedirect: values['auth-request-redirect'],
        }),
      },
    },
  }
}
