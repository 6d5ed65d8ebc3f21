/** What of the Gateway API beyond its core this proxy does, by the names that its conformance tests know. Sorted. */
export const supportedFeatures: readonly { readonly name: string }[] = [
  ...['Gateway', 'GatewayAddressEmpty', 'GatewayFrontendClientCertificateValidation', 'GatewayStaticAddresses'],
  ...['GatewayFrontendClientCertificateValidationInsecureFallback', 'GatewayHTTPListenerIsolation'],
  ...[
    'GatewayHTTPSListenerDetectMisdirectedRequests',
    'GatewayPort8080',
    'HTTPRoute',
    'HTTPRoute303RedirectStatusCode',
  ],
  ...['HTTPRoute307RedirectStatusCode', 'HTTPRoute308RedirectStatusCode', 'HTTPRouteBackendProtocolH2C'],
  ...[
    'HTTPRouteBackendProtocolWebSocket',
    'HTTPRouteBackendRequestHeaderModification',
    'HTTPRouteBackendRequestRedirect',
  ],
  ...['HTTPRouteBackendTimeout', 'HTTPRouteBackendURLRewrite', 'HTTPRouteRetry', 'HTTPRouteRetryBackendTimeout'],
  ...['HTTPRouteCORS', 'HTTPRouteHostRewrite', 'HTTPRouteMethodMatching'],
  ...['HTTPRouteNamedRouteRule', 'HTTPRouteParentRefPort', 'HTTPRoutePathRedirect', 'HTTPRoutePathRewrite'],
  ...['HTTPRoutePortRedirect', 'HTTPRouteQueryParamMatching', 'HTTPRouteRequestMirror'],
  ...['HTTPRouteRequestMultipleMirrors', 'HTTPRouteRequestPercentageMirror', 'HTTPRouteRequestTimeout'],
  ...['HTTPRouteResponseHeaderModification', 'HTTPRouteSchemeRedirect', 'ReferenceGrant'],
]
  .sort()
  .map((name) => ({ name }))
