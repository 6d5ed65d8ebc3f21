/** The messages of etcd's API (3.4 and later) that are used here, by the numbers that they have on the wire. */

interface Field {
  id: number
  type: string
  rule?: string
}

const field = (id: number, type: string): Field => ({ id, type })
const list = (id: number, type: string): Field => ({ id, type, rule: 'repeated' })

const message = (fields: Record<string, Field>, oneof: string[] = []) => {
  const oneofs: Record<string, { oneof: string[] }> = oneof.length > 0 ? { choice: { oneof } } : {}
  return { fields, oneofs }
}

const unary = (requestType: string, responseType: string) => ({ requestType, responseType, comment: '' })

const header = field(1, 'ResponseHeader')

/** In the form that protobufjs reads. */
export const etcdSchema = {
  nested: {
    etcdserverpb: {
      nested: {
        KV: {
          methods: {
            Range: unary('RangeRequest', 'RangeResponse'),
            Txn: unary('TxnRequest', 'TxnResponse'),
            Compact: unary('CompactionRequest', 'HeaderResponse'),
          },
        },
        Watch: {
          methods: { Watch: { ...unary('WatchRequest', 'WatchResponse'), requestStream: true, responseStream: true } },
        },
        Lease: { methods: { LeaseGrant: unary('LeaseGrantRequest', 'LeaseGrantResponse') } },
        ResponseHeader: message({ revision: field(3, 'int64') }),
        KeyValue: message({ key: field(1, 'bytes'), modRevision: field(3, 'int64'), value: field(5, 'bytes') }),
        Event: message({ type: field(1, 'EventType'), kv: field(2, 'KeyValue') }),
        EventType: { values: { PUT: 0, DELETE: 1 } },
        RangeRequest: message({
          key: field(1, 'bytes'),
          rangeEnd: field(2, 'bytes'),
          limit: field(3, 'int64'),
          revision: field(4, 'int64'),
          keysOnly: field(8, 'bool'),
        }),
        RangeResponse: message({ header, kvs: list(2, 'KeyValue'), more: field(3, 'bool') }),
        PutRequest: message({ key: field(1, 'bytes'), value: field(2, 'bytes'), lease: field(3, 'int64') }),
        DeleteRangeRequest: message({ key: field(1, 'bytes'), rangeEnd: field(2, 'bytes') }),
        RequestOp: message(
          {
            requestRange: field(1, 'RangeRequest'),
            requestPut: field(2, 'PutRequest'),
            requestDeleteRange: field(3, 'DeleteRangeRequest'),
          },
          ['requestRange', 'requestPut', 'requestDeleteRange'],
        ),
        ResponseOp: message({ responseRange: field(1, 'RangeResponse') }),
        /** Of the results only EQUAL (0) is used, of the targets only MOD. */
        Compare: message(
          { target: field(2, 'CompareTarget'), key: field(3, 'bytes'), modRevision: field(6, 'int64') },
          ['modRevision'],
        ),
        CompareTarget: { values: { VERSION: 0, CREATE: 1, MOD: 2 } },
        TxnRequest: message({
          compare: list(1, 'Compare'),
          success: list(2, 'RequestOp'),
          failure: list(3, 'RequestOp'),
        }),
        TxnResponse: message({ header, succeeded: field(2, 'bool'), responses: list(3, 'ResponseOp') }),
        CompactionRequest: message({ revision: field(1, 'int64') }),
        HeaderResponse: message({ header }),
        WatchRequest: message({ createRequest: field(1, 'WatchCreateRequest') }),
        WatchCreateRequest: message({
          key: field(1, 'bytes'),
          rangeEnd: field(2, 'bytes'),
          startRevision: field(3, 'int64'),
        }),
        WatchResponse: message({
          header,
          created: field(3, 'bool'),
          canceled: field(4, 'bool'),
          compactRevision: field(5, 'int64'),
          cancelReason: field(6, 'string'),
          events: list(11, 'Event'),
        }),
        LeaseGrantRequest: message({ TTL: field(1, 'int64') }),
        LeaseGrantResponse: message({ header, ID: field(2, 'int64') }),
      },
    },
  },
}

export interface KeyValue {
  readonly key: Buffer
  readonly modRevision: number
  readonly value: Buffer
}

interface Answer {
  readonly header: { readonly revision: number }
}

export interface RangeRequest {
  readonly key: Buffer
  readonly rangeEnd?: Buffer
  readonly limit?: number
  readonly revision?: number
  readonly keysOnly?: boolean
}

export interface RangeResponse extends Answer {
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}

export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: { readonly key: Buffer; readonly value: Buffer; readonly lease?: string } }
  | { readonly requestDeleteRange: { readonly key: Buffer; readonly rangeEnd?: Buffer } }

export interface Compare {
  readonly target: 'MOD'
  readonly key: Buffer
  readonly modRevision: number
}

export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface TxnResponse extends Answer {
  readonly succeeded: boolean
  readonly responses: readonly { readonly responseRange?: RangeResponse }[]
}

export interface WatchResponse extends Answer {
  readonly canceled: boolean
  readonly compactRevision: number
  readonly cancelReason: string
  readonly events: readonly { readonly type: 'PUT' | 'DELETE'; readonly kv: KeyValue }[]
}

/** Requests with one answer, by their names. */
export interface Unary {
  Range: [RangeRequest, RangeResponse]
  Txn: [TxnRequest, TxnResponse]
  Compact: [{ readonly revision: number }, Answer]
  /** The lease's number has more digits than a JavaScript number. */
  LeaseGrant: [{ readonly TTL: number }, Answer & { readonly ID: string }]
}
