/** One port of one Service: `namespace/name:port`, the port by number or by name. */
export type BackendKey = string & { readonly __brand: 'BackendKey' }
